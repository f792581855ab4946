import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { TenantId } from '#core/shared/ids.ts';
import type { Caller, CallerDirectory } from '#core/tenants/ports.ts';
import { keyKey, tenantKey, toKey, toModel, toTenant } from './directoryItems.ts';
import { makeTableReader } from './tableReader.ts';

/** The one question that a call asks the directory, without the rest: the chat function's bundle stays small. */
export function makeCallerReader(client: DynamoDBDocumentClient, table: string): CallerDirectory {
  const reader = makeTableReader(client, table);
  return {
    find: async (keyId) => {
      const item = await reader.get(keyKey(keyId));
      if (item === undefined) return undefined;
      const key = toKey(item);
      const rest = await readTenantAndModels(reader, key.tenantId);
      return rest === undefined ? undefined : { key, ...rest };
    },
  };
}

/** A tenant and its models stand in one partition, so that one query reads both. */
export async function readTenantAndModels(
  { queryAll }: Pick<ReturnType<typeof makeTableReader>, 'queryAll'>,
  id: TenantId,
): Promise<Omit<Caller, 'key'> | undefined> {
  const items = await queryAll({ partition: tenantKey(id).pk, indexed: false, newestFirst: false });
  const tenant = items.find((item) => item['sk'] === 'tenant');
  if (tenant === undefined) return undefined;
  return { tenant: toTenant(tenant), models: items.filter((item) => item !== tenant).map(toModel) };
}
