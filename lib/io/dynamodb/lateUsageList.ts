import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { LateUsageList } from '#core/subscriptions/overagePorts.ts';
import { isConditionFailed } from './ledgerRetry.ts';
import { LATE_LIST, lateKey, toLateUse } from './overageRows.ts';
import { makeTableReader } from './tableReader.ts';

/** Usage that Dodo's meter does not have, in the ledger's table. */
export function makeLateUsageList(client: DynamoDBDocumentClient, table: string): LateUsageList {
  const { queryPage } = makeTableReader(client, table);
  return {
    list: async (page) => {
      const list = { partition: LATE_LIST, indexed: false, newestFirst: true };
      const { items, more } = await queryPage(list, page);
      const uses = items.map(toLateUse);
      return { uses, nextCursor: more ? (uses.at(-1)?.id ?? null) : null };
    },
    settle: async (id, { status, note }) => {
      try {
        const { Attributes } = await client.send(
          new UpdateCommand({
            TableName: table,
            Key: lateKey(id),
            UpdateExpression: 'SET #status = :status, note = :note',
            ConditionExpression: 'attribute_exists(pk)',
            ExpressionAttributeNames: { '#status': 'status' },
            ExpressionAttributeValues: { ':status': status, ':note': note },
            ReturnValues: 'ALL_NEW',
          }),
        );
        return toLateUse(Attributes);
      } catch (error) {
        if (isConditionFailed(error)) return undefined;
        throw error;
      }
    },
  };
}
