import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import {
  type DynamoDBDocumentClient,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import type { VersionBook } from '#core/routing/ports.ts';
import type { CountedVersion, VersionCounts } from '#core/routing/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import type { Clock } from '#core/shared/world.ts';

/** How long counts can be looked at, and how long a shadow's call is known as counted (its queue keeps it an hour). */
const KEPT_SECONDS = 90 * 86_400;
const KNOWN_SECONDS = 86_400;
const COUNTS = [
  'calls',
  'failedCalls',
  'inputTokens',
  'outputTokens',
  'computeMs',
  'firstTokens',
  'firstTokenMs',
  'sameAnswers',
] as const satisfies readonly (keyof VersionCounts)[];

const CountedItem = z.object({
  day: z.string(),
  version: z.string(),
  servedBy: z.enum(['stable', 'canary', 'shadow']),
  calls: z.int(),
  failedCalls: z.int(),
  inputTokens: z.int(),
  outputTokens: z.int(),
  computeMs: z.int(),
  firstTokens: z.int(),
  firstTokenMs: z.int(),
  sameAnswers: z.int(),
});

/**
 * What versions did, in the table of versions: `counts#<tenant>#<alias>` / `<day>#<way of serving>#<version>`, and
 * for every shadow's call `shadow#<tenant>` / `<request>`.
 */
export function makeVersionBook(client: DynamoDBDocumentClient, table: string, clock: Clock): VersionBook {
  const inSeconds = (seconds: number): number => Math.floor(clock() / 1000) + seconds;
  const addition = (tenantId: TenantId, alias: string, counted: CountedVersion) => {
    const { day, version, servedBy } = counted;
    return {
      TableName: table,
      Key: { pk: partition(tenantId, alias), sk: `${day}#${servedBy}#${version}` },
      UpdateExpression: `SET #day = :day, version = :version, servedBy = :servedBy, expiresAtSec = :end ADD ${COUNTS.map((name) => `${name} :${name}`).join(', ')}`,
      ExpressionAttributeNames: { '#day': 'day' },
      ExpressionAttributeValues: {
        ':day': day,
        ':version': version,
        ':servedBy': servedBy,
        ':end': inSeconds(KEPT_SECONDS),
        ...Object.fromEntries(COUNTS.map((name) => [`:${name}`, counted[name]])),
      },
    };
  };
  return {
    add: async (tenantId, alias, counted) => {
      await client.send(new UpdateCommand(addition(tenantId, alias, counted)));
    },
    addShadow: async ({ tenantId, alias, requestId }, counted) => {
      const Item = { pk: `shadow#${tenantId}`, sk: requestId, expiresAtSec: inSeconds(KNOWN_SECONDS) };
      try {
        await client.send(
          new TransactWriteCommand({
            TransactItems: [
              { Put: { TableName: table, Item, ConditionExpression: 'attribute_not_exists(pk)' } },
              { Update: addition(tenantId, alias, counted) },
            ],
          }),
        );
      } catch (error) {
        if (!isKnown(error)) throw error;
      }
    },
    read: async (tenantId, alias, { from, to }) => {
      // A version has a line a day while it is compared: this fits into one page.
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
          ExpressionAttributeValues: { ':pk': partition(tenantId, alias), ':from': from, ':to': `${to}~` },
        }),
      );
      return Items.map((item) => z.parse(CountedItem, item));
    },
  };
}

const partition = (tenantId: TenantId, alias: string): string => `counts#${tenantId}#${alias}`;

const isKnown = (error: unknown): boolean =>
  error instanceof TransactionCanceledException &&
  (error.CancellationReasons ?? []).some(({ Code }) => Code === 'ConditionalCheckFailed');
