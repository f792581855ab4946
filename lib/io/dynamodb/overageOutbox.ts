import {
  BatchWriteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
} from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import type { LateUse, OverageOutbox, OverageUse } from '#core/subscriptions/overagePorts.ts';
import {
  lateKey,
  OUTBOX_SHARDS,
  outboxKey,
  outboxPartition,
  PAUSE_KEY,
  toOverageUse,
} from './overageRows.ts';
import { writeTogether } from './writeTogether.ts';

/** DynamoDB's limit on a batch. */
const MAX_BATCH = 25;
/** Deletions that DynamoDB puts off are asked for again, and left to the next run after this. */
const MAX_ROUNDS = 5;

/** The last moment whose text sorts like its time. */
const FOREVER_MS = Date.parse('9999-12-31T23:59:59.999Z');

const PauseItem = z.object({ failures: z.int(), untilMs: z.int() });

/** Overage on its way to Dodo, in the ledger's table. */
export function makeOverageOutbox(client: DynamoDBDocumentClient, table: string): OverageOutbox {
  const write = writeTogether(client, table);

  const readShard = async (
    shard: number,
    limit: number,
    { fromMs = 0, untilMs = FOREVER_MS }: NonNullable<Parameters<OverageOutbox['pending']>[1]>,
  ): Promise<readonly OverageUse[]> => {
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName: table,
        ConsistentRead: true,
        // Both ends are times without an id, which come before every use of that time.
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :until',
        ExpressionAttributeValues: {
          ':pk': outboxPartition(shard),
          ':from': new Date(fromMs).toISOString(),
          ':until': new Date(untilMs).toISOString(),
        },
        Limit: limit,
      }),
    );
    return Items.map(toOverageUse);
  };

  const removeBatch = async (uses: readonly OverageUse[]): Promise<void> => {
    let requests = uses.map((use) => ({ DeleteRequest: { Key: outboxKey(use) } }));
    for (let round = 0; round < MAX_ROUNDS && requests.length > 0; round += 1) {
      const { UnprocessedItems } = await client.send(
        new BatchWriteCommand({ RequestItems: { [table]: requests } }),
      );
      const again = new Set((UnprocessedItems?.[table] ?? []).map((item) => item.DeleteRequest?.Key?.['sk']));
      requests = requests.filter((request) => again.has(request.DeleteRequest.Key.sk));
    }
  };

  return {
    pending: async (limit, range = {}) => {
      const shards = Array.from({ length: OUTBOX_SHARDS }, (_, shard) => readShard(shard, limit, range));
      return (await Promise.all(shards)).flat().sort((a, b) => a.atMs - b.atMs);
    },
    remove: async (uses) => {
      for (let from = 0; from < uses.length; from += MAX_BATCH) {
        await removeBatch(uses.slice(from, from + MAX_BATCH));
      }
    },
    moveToLate: async (use, { reason, detail, atMs }) => {
      const { id, tenantId, amountMicro } = use;
      const late: LateUse = {
        ...{ id, tenantId, amountMicro, atMs: use.atMs },
        ...{ reason, detail, foundAtMs: atMs, status: 'open', note: null },
      };
      await write([
        { Delete: { Key: outboxKey(use), ConditionExpression: 'attribute_exists(pk)' } },
        { Put: { Item: { ...lateKey(id), ...late }, ConditionExpression: 'attribute_not_exists(pk)' } },
      ]);
    },
    readPause: async () => {
      const { Item } = await client.send(
        new GetCommand({ TableName: table, Key: PAUSE_KEY, ConsistentRead: true }),
      );
      return Item === undefined ? { failures: 0, untilMs: 0 } : z.parse(PauseItem, Item);
    },
    writePause: async (pause) => {
      await client.send(new PutCommand({ TableName: table, Item: { ...PAUSE_KEY, ...pause } }));
    },
  };
}
