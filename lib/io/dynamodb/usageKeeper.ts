import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { KeptUsage } from '#core/metering/ports.ts';

export const KEPT_USAGE = 'KEPT_USAGE';

/**
 * Keeps usage events that the queue did not take, one item each: `KEPT_USAGE` / the event's id, in the table
 * `idempotency`. Apart from their reader, so that the chat function carries no more than this.
 */
export const makeUsageKeeper = (client: DynamoDBDocumentClient, table: string): Pick<KeptUsage, 'keep'> => ({
  keep: async (event) => {
    const Item = { pk: KEPT_USAGE, sk: event.id, body: JSON.stringify(event) };
    await client.send(new PutCommand({ TableName: table, Item }));
  },
});
