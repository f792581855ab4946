import { type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import type { SweepLog } from '#core/ledger/ports.ts';

const KEY = { pk: 'SWEEP', sk: 'LAST' };

/** Keeps the moment of the last sweep in the ledger's table, beside the accounts. */
export const makeSweepLog = (client: DynamoDBDocumentClient, tableName: string): SweepLog => ({
  recordSweep: async (startedAtMs) => {
    await client.send(new PutCommand({ TableName: tableName, Item: { ...KEY, startedAtMs } }));
  },
  lastSweepMs: async () => {
    const { Item } = await client.send(
      new GetCommand({ TableName: tableName, Key: KEY, ConsistentRead: true }),
    );
    return Item === undefined ? undefined : z.object({ startedAtMs: z.int() }).parse(Item).startedAtMs;
  },
});
