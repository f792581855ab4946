import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { idSchema } from '#core/shared/idSchema.ts';
import type { KeyId, TenantId } from '#core/shared/ids.ts';
import type { Clock } from '#core/shared/world.ts';
import type { UsageWatch } from '#core/watch/ports.ts';
import type { Finding, KeyHour } from '#core/watch/types.ts';
import { isConditionFailed } from './ledgerRetry.ts';

const KEPT_SECONDS = 2 * 86_400;
/** Networks that an hour of a key remembers; more tell no more. */
const MAX_NETWORKS = 500;
/** A day of a tenant with more keys than this is read in part: the hours first that are looked at. */
const MAX_PAGES = 10;
const MINUTES = /^m(\d\d)$/;

const HourItem = z.object({
  hour: z.string(),
  keyId: idSchema<KeyId>('key'),
  calls: z.int(),
  inputTokens: z.number(),
  inputSquares: z.number(),
  networks: z.optional(z.set(z.string())),
});

/**
 * The table of the watch: `watch#<tenant>` / `<hour>#<key>`, with one attribute for each minute, and
 * `told#<tenant>` / `<day>#<kind>#<key>` for what was told.
 */
export function makeUsageWatch(client: DynamoDBDocumentClient, table: string, clock: Clock): UsageWatch {
  const expiry = (): number => Math.floor(clock() / 1000) + KEPT_SECONDS;

  const addHour = async (tenantId: TenantId, one: KeyHour, networks: readonly string[]): Promise<void> => {
    const minutes = Object.entries(one.perMinute).map(([minute, n]) => [`m${minute.padStart(2, '0')}`, n]);
    const adds = Object.fromEntries([
      ['calls', one.calls],
      ['inputTokens', one.inputTokens],
      ['inputSquares', one.inputSquares],
      ...minutes,
      ...(networks.length === 0 ? [] : [['networks', new Set(networks)]]),
    ]);
    await client.send(
      new UpdateCommand({
        TableName: table,
        Key: { pk: `watch#${tenantId}`, sk: `${one.hour}#${one.keyId}` },
        UpdateExpression: `SET #hour = :hour, keyId = :keyId, expiresAtSec = :end ADD ${Object.keys(adds)
          .map((name) => `${name} :${name}`)
          .join(', ')}`,
        ...(networks.length === 0
          ? {}
          : { ConditionExpression: 'attribute_not_exists(networks) OR size(networks) < :most' }),
        ExpressionAttributeNames: { '#hour': 'hour' },
        ExpressionAttributeValues: {
          ':hour': one.hour,
          ':keyId': one.keyId,
          ':end': expiry(),
          ...(networks.length === 0 ? {} : { ':most': MAX_NETWORKS }),
          ...Object.fromEntries(Object.entries(adds).map(([name, value]) => [`:${name}`, value])),
        },
      }),
    );
  };

  const toldKey = (tenantId: TenantId, day: string, { kind, keyId }: Finding) => ({
    pk: `told#${tenantId}`,
    sk: `${day}#${kind}#${keyId}`,
  });

  return {
    add: async (tenantId, hours) => {
      for (const one of hours) {
        await addHour(tenantId, one, one.networks).catch((error: unknown) => {
          if (!isConditionFailed(error)) throw error;
          return addHour(tenantId, one, []);
        });
      }
    },
    read: async (tenantId, fromHour, toHour) => {
      const hours: KeyHour[] = [];
      let start: Record<string, unknown> | undefined;
      for (let page = 0; page < MAX_PAGES; page++) {
        const { Items = [], LastEvaluatedKey } = await client.send(
          new QueryCommand({
            TableName: table,
            KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
            ExpressionAttributeValues: { ':pk': `watch#${tenantId}`, ':from': fromHour, ':to': `${toHour}~` },
            ScanIndexForward: false,
            ...(start === undefined ? {} : { ExclusiveStartKey: start }),
          }),
        );
        hours.push(...Items.map(toKeyHour));
        start = LastEvaluatedKey;
        if (start === undefined) break;
      }
      return hours.reverse();
    },
    isTold: async (tenantId, day, finding) => {
      const { Item } = await client.send(
        new GetCommand({ TableName: table, Key: toldKey(tenantId, day, finding), ConsistentRead: true }),
      );
      return Item !== undefined;
    },
    markTold: async (tenantId, day, finding) => {
      const Item = { ...toldKey(tenantId, day, finding), expiresAtSec: expiry() };
      await client.send(new PutCommand({ TableName: table, Item }));
    },
  };
}

function toKeyHour(item: Readonly<Record<string, unknown>>): KeyHour {
  const { networks, ...hour } = z.parse(HourItem, item);
  const minutes = Object.entries(item).flatMap(([name, n]) => {
    const minute = MINUTES.exec(name)?.[1];
    return minute === undefined || typeof n !== 'number' ? [] : [[Number(minute), n] as const];
  });
  return { ...hour, perMinute: Object.fromEntries(minutes), networks: [...(networks ?? [])] };
}
