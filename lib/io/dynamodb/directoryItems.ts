import * as z from 'zod/mini';
import { idSchema } from '#core/shared/idSchema.ts';
import type { KeyId, TenantId } from '#core/shared/ids.ts';
import { microSchema } from '#core/shared/schemas.ts';
import type { AuditRecord } from '#core/tenants/ports.ts';
import { type ApiKey, type ModelRoute, SCOPES, SUSPENDED_BECAUSE, type Tenant } from '#core/tenants/types.ts';
import { ModelItem } from './modelItems.ts';

/**
 * How the directory lies in its table:
 * - `tenant#<id>` / `tenant`, and beside it `model#<alias>`: one query answers a tenant with its models.
 * - `rollout#<tenant>#<model made at>#<alias>` / `<revision>`: what changed of a model's rollout.
 * - `key#<id>` / `key`: found from a key's text alone; listed by the index under `keys#<tenant>`.
 * - `audit#<tenant or agency>` / `<time>#<id>`; all of them by the index under `audit`.
 */
export const tenantKey = (id: TenantId) => ({ pk: `tenant#${id}`, sk: 'tenant' });
export const modelKey = (tenantId: TenantId, alias: string) => ({
  pk: `tenant#${tenantId}`,
  sk: `model#${alias}`,
});
export const keyKey = (id: KeyId) => ({ pk: `key#${id}`, sk: 'key' });
export const auditPartition = (tenantId: TenantId | null) => `audit#${tenantId ?? 'agency'}`;

export const TENANT_LIST = 'tenants';
export const AUDIT_LIST = 'audit';
export const keyList = (tenantId: TenantId) => `keys#${tenantId}`;

const MS_DIGITS = 15;
/** Texts that sort as the moments do. */
export const auditPosition = (record: AuditRecord) =>
  `${String(record.atMs).padStart(MS_DIGITS, '0')}#${record.id}`;

export const tenantItem = (tenant: Tenant) => ({
  ...tenantKey(tenant.id),
  listPk: TENANT_LIST,
  listSk: tenant.id,
  ...tenant,
});
export const keyItem = (key: ApiKey) => ({
  ...keyKey(key.id),
  listPk: keyList(key.tenantId),
  listSk: key.id,
  ...key,
});
export const modelItem = (model: ModelRoute) => ({ ...modelKey(model.tenantId, model.alias), ...model });
export const auditItem = (record: AuditRecord) => ({
  pk: auditPartition(record.tenantId),
  sk: auditPosition(record),
  listPk: AUDIT_LIST,
  listSk: auditPosition(record),
  ...record,
});

const tenantId = idSchema<TenantId>('tenant');
const keyId = idSchema<KeyId>('key');

const WatchItem = z.object({
  jump: z.exactOptional(z.nullable(z.object({ calls: z.int(), times: z.int(), days: z.int() }))),
  scraping: z.exactOptional(
    z.nullable(
      z.object({
        calls: z.int(),
        minutes: z.int(),
        variancePercent: z.int(),
        lengthPercent: z.int(),
      }),
    ),
  ),
  many_networks: z.exactOptional(z.nullable(z.object({ networks: z.int(), times: z.int() }))),
});

const TenantItem = z.object({
  id: tenantId,
  name: z.string(),
  status: z.enum(['active', 'suspended', 'closed']),
  priceBookId: z.string(),
  createdAtMs: z.int(),
  dodoCustomerId: z.optional(z.string()),
  timeZone: z.optional(z.string()),
  endpoint: z.optional(z.string()),
  suspension: z.optional(z.object({ because: z.enum(SUSPENDED_BECAUSE), sinceMs: z.int() })),
  reprieve: z.optional(z.object({ episode: z.string(), untilMs: z.nullable(z.int()) })),
  freeMonthlyMicro: z.optional(microSchema),
  watch: z.optional(WatchItem),
  noticeEmail: z.optional(z.string()),
  noticeWebhookUrl: z.optional(z.string()),
});

const KeyItem = z.object({
  id: keyId,
  tenantId,
  name: z.string(),
  hash: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  createdAtMs: z.int(),
  expiresAtMs: z.optional(z.int()),
  revokedAtMs: z.optional(z.int()),
  replacedBy: z.optional(keyId),
});

const AuditItem = z.object({
  id: z.string(),
  atMs: z.int(),
  actor: z.string(),
  action: z.string(),
  tenantId: z.nullable(tenantId),
  reason: z.string(),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});

// An item that does not parse was written by something else than us: that is a bug, so these throw.
export const toTenant = (item: unknown): Tenant => defined(z.parse(TenantItem, item));
export const toKey = (item: unknown): ApiKey => defined(z.parse(KeyItem, item));
export const toModel = (item: unknown): ModelRoute => z.parse(ModelItem, item);
export const toAuditRecord = (item: unknown): AuditRecord => z.parse(AuditItem, item);

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Drops fields that are undefined: absent and undefined are two things to our types. */
function defined<T extends object>(record: T): Defined<T>;
function defined(record: object): object {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}
