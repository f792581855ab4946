import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { idSchema } from '#core/shared/idSchema.ts';
import type { KeyId, TenantId } from '#core/shared/ids.ts';
import type { LicenceStore } from '#core/subscriptions/licencePorts.ts';
import { conditionHeld } from './conditionHeld.ts';
import { makeTableReader } from './tableReader.ts';

const LicenceItem = z.object({
  id: z.string(),
  tenantId: idSchema<TenantId>('tenant'),
  keyId: idSchema<KeyId>('key'),
  createdAtMs: z.int(),
});

const licenceKey = (id: string) => ({ pk: `licence#${id}`, sk: 'licence' });

/** Which API key each licence is, in the billing table. No text of a key is in it. */
export function makeLicenceStore(client: DynamoDBDocumentClient, table: string): LicenceStore {
  const { get } = makeTableReader(client, table);
  return {
    findLicence: async (id) => {
      const item = await get(licenceKey(id));
      return item === undefined ? undefined : z.parse(LicenceItem, item);
    },
    recordLicence: async (record) => {
      await conditionHeld(
        client.send(
          new PutCommand({
            TableName: table,
            Item: { ...licenceKey(record.id), ...record },
            ConditionExpression: 'attribute_not_exists(pk)',
          }),
        ),
      );
    },
  };
}
