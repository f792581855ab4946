import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import type { RecurringSnapshots } from '#core/analytics/analyse.ts';
import { makeTableReader } from './tableReader.ts';

const keyOf = (month: string) => ({ pk: `recurring#${month}`, sk: 'snapshot' });
const Item = z.object({ recurring: z.record(z.string(), z.int()) });

/** Snapshots of recurring revenue, in the billing table: `recurring#<month>` / `snapshot`. */
export function makeRecurringSnapshots(client: DynamoDBDocumentClient, table: string): RecurringSnapshots {
  const { get } = makeTableReader(client, table);
  return {
    save: async (month, recurring) => {
      await client.send(new PutCommand({ TableName: table, Item: { ...keyOf(month), recurring } }));
    },
    read: async (month) => {
      const item = await get(keyOf(month));
      return item === undefined ? undefined : z.parse(Item, item).recurring;
    },
  };
}
