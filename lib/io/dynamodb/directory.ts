import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { KeyId, TenantId } from '#core/shared/ids.ts';
import type { Directory, TenantChange } from '#core/tenants/ports.ts';
import { writeUse } from './adapterUse.ts';
import { makeCallerReader, readTenantAndModels } from './callerReader.ts';
import {
  AUDIT_LIST,
  auditItem,
  auditPartition,
  auditPosition,
  keyItem,
  keyKey,
  keyList,
  modelItem,
  modelKey,
  TENANT_LIST,
  tenantItem,
  tenantKey,
  toAuditRecord,
  toKey,
  toTenant,
} from './directoryItems.ts';
import { type Item, makeTableReader } from './tableReader.ts';
import { updateOf, writeTogether } from './writeTogether.ts';

const NOT_THERE = 'attribute_not_exists(pk)';
const THERE = 'attribute_exists(pk)';

/** The directory on its table. Every read by id is consistent; lists come from the index and may lag by a moment. */
export function makeDirectory(client: DynamoDBDocumentClient, table: string): Directory {
  const reader = makeTableReader(client, table);
  const { get, queryPage } = reader;
  const readTenant = async (id: TenantId) => mapItem(await get(tenantKey(id)), toTenant);
  const readKey = async (id: KeyId) => mapItem(await get(keyKey(id)), toKey);
  const write = writeTogether(client, table);

  return {
    ...makeCallerReader(client, table),

    createTenant: (tenant, audit) =>
      write([
        { Put: { Item: tenantItem(tenant), ConditionExpression: NOT_THERE } },
        { Put: { Item: auditItem(audit) } },
      ]),
    readTenant,
    updateTenant: async (id, change, audit) => {
      const applied = await write([
        { Update: { Key: tenantKey(id), ...tenantUpdate(change), ConditionExpression: THERE } },
        { Put: { Item: auditItem(audit) } },
      ]);
      return applied ? readTenant(id) : undefined;
    },
    listTenants: async (page) => {
      const { items, more } = await queryPage(
        { partition: TENANT_LIST, indexed: true, newestFirst: false },
        page,
      );
      const tenants = items.map(toTenant);
      return { tenants, nextCursor: more ? (tenants.at(-1)?.id ?? null) : null };
    },

    createKey: (key, audit) =>
      write([
        // No key for a tenant that does not exist.
        { ConditionCheck: { Key: tenantKey(key.tenantId), ConditionExpression: THERE } },
        { Put: { Item: keyItem(key), ConditionExpression: NOT_THERE } },
        { Put: { Item: auditItem(audit) } },
      ]),
    readKey,
    rotateKey: ({ replaced, expiresAtMs, replacement }, audit) =>
      write([
        {
          Update: {
            Key: keyKey(replaced),
            ...updateOf({ expiresAtMs, replacedBy: replacement.id }),
            ConditionExpression: `${THERE} AND attribute_not_exists(revokedAtMs) AND attribute_not_exists(replacedBy)`,
          },
        },
        { Put: { Item: keyItem(replacement), ConditionExpression: NOT_THERE } },
        { Put: { Item: auditItem(audit) } },
      ]),
    revokeKey: (id, atMs, audit) =>
      write([
        {
          Update: {
            Key: keyKey(id),
            ...updateOf({ revokedAtMs: atMs }),
            ConditionExpression: `${THERE} AND attribute_not_exists(revokedAtMs)`,
          },
        },
        { Put: { Item: auditItem(audit) } },
      ]),
    listKeys: async (tenantId, page) => {
      const list = { partition: keyList(tenantId), indexed: true, newestFirst: false };
      const { items, more } = await queryPage(list, page);
      const keys = items.map(toKey);
      return { keys, nextCursor: more ? (keys.at(-1)?.id ?? null) : null };
    },

    createModel: (model, audit, use = null) =>
      write([
        { ConditionCheck: { Key: tenantKey(model.tenantId), ConditionExpression: THERE } },
        { Put: { Item: modelItem(model), ConditionExpression: NOT_THERE } },
        { Put: { Item: auditItem(audit) } },
        ...(use === null ? [] : [writeUse(use)]),
      ]),
    removeModel: (tenantId, alias, audit) =>
      write([
        { Delete: { Key: modelKey(tenantId, alias), ConditionExpression: THERE } },
        { Put: { Item: auditItem(audit) } },
      ]),
    listModels: async (tenantId) => (await readTenantAndModels(reader, tenantId))?.models ?? [],

    listAudit: async ({ tenantId, ...page }) => {
      const list =
        tenantId === undefined
          ? { partition: AUDIT_LIST, indexed: true, newestFirst: true }
          : { partition: auditPartition(tenantId), indexed: false, newestFirst: true };
      const { items, more } = await queryPage(list, page);
      const records = items.map(toAuditRecord);
      const last = records.at(-1);
      return { records, nextCursor: more && last !== undefined ? auditPosition(last) : null };
    },
    appendAudit: async (audit) => {
      await write([{ Put: { Item: auditItem(audit) } }]);
    },
  };
}

const mapItem = <T>(item: Item | undefined, map: (item: unknown) => T): T | undefined =>
  item === undefined ? undefined : map(item);

/** Sets what is given and removes what is null. */
function tenantUpdate(change: TenantChange) {
  const fields = Object.entries(change).filter(([, value]) => value !== undefined);
  const gone = fields.filter(([, value]) => value === null).map(([name]) => name);
  const set = Object.fromEntries(fields.filter(([, value]) => value !== null));
  const update = updateOf(set);
  if (gone.length === 0) return update;
  const sets = Object.keys(set).length === 0 ? '' : `${update.UpdateExpression} `;
  return {
    UpdateExpression: `${sets}REMOVE ${gone.map((name) => `#${name}`).join(', ')}`,
    ExpressionAttributeNames: {
      ...update.ExpressionAttributeNames,
      ...Object.fromEntries(gone.map((name) => [`#${name}`, name])),
    },
    // An expression without values may not name any.
    ...(sets === '' ? {} : { ExpressionAttributeValues: update.ExpressionAttributeValues }),
  };
}
