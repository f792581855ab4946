import { type DynamoDBDocumentClient, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import type { SealKeys } from '#core/statements/ports.ts';
import type { SealKey } from '#core/statements/types.ts';

const PARTITION = 'SEAL_KEYS';
const keySchema = z.object({ id: z.string(), publicKey: z.string() });

/**
 * The public keys of everything that ever signed a seal, in the ledger's table: they stay when their secret is
 * gone, so that old statements verify after a rotation. There are as many as rotations.
 */
export const makeSealKeys = (
  client: DynamoDBDocumentClient,
  tableName: string,
): SealKeys & { readonly publish: (key: SealKey) => Promise<void> } => ({
  publish: async ({ id, publicKey }) => {
    await client.send(
      new PutCommand({ TableName: tableName, Item: { pk: PARTITION, sk: id, id, publicKey } }),
    );
  },
  list: async () => {
    const { Items } = await client.send(
      new QueryCommand({
        TableName: tableName,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': PARTITION },
        ConsistentRead: true,
      }),
    );
    return (Items ?? []).map((item) => keySchema.parse(item));
  },
});
