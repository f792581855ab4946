import { DeleteCommand, type DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { parseUsageEvent } from '#core/metering/parseUsageEvent.ts';
import type { KeptUsage } from '#core/metering/ports.ts';
import { KEPT_USAGE } from './usageKeeper.ts';

const StoredEvent = z.object({ body: z.string() });

/** Reads what `usageKeeper.ts` writes. */
export function makeKeptUsage(client: DynamoDBDocumentClient, table: string): Omit<KeptUsage, 'keep'> {
  return {
    oldest: async (limit) => {
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': KEPT_USAGE },
          Limit: limit,
          ConsistentRead: true,
        }),
      );
      return Items.map((item) => {
        const event = parseUsageEvent(StoredEvent.parse(item).body);
        if (!event.ok) throw new Error(`a kept usage event cannot be read: ${event.error.message}`);
        return event.value;
      });
    },
    forget: async (event) => {
      await client.send(new DeleteCommand({ TableName: table, Key: { pk: KEPT_USAGE, sk: event.id } }));
    },
  };
}
