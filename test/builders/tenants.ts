import type { KeyId, TenantId } from '#core/shared/ids.ts';
import type { Caller } from '#core/tenants/ports.ts';
import { type ApiKey, type ModelRoute, SCOPES, type Tenant } from '#core/tenants/types.ts';
import { systemWorld } from '#io/world.ts';

export const aTenant = (over: Partial<Tenant> = {}): Tenant => ({
  id: systemWorld.newId<TenantId>('tenant'),
  name: 'Northwind',
  status: 'active',
  priceBookId: 'per-call',
  createdAtMs: 1_000,
  ...over,
});

export const aKey = (over: Partial<ApiKey> = {}): ApiKey => ({
  id: systemWorld.newId<KeyId>('key'),
  tenantId: systemWorld.newId<TenantId>('tenant'),
  name: 'production',
  hash: '0'.repeat(64),
  scopes: SCOPES,
  createdAtMs: 1_000,
  ...over,
});

export const aModel = (over: Partial<ModelRoute> = {}): ModelRoute => ({
  tenantId: systemWorld.newId<TenantId>('tenant'),
  alias: 'northwind-support',
  baseModel: 'tunegate-nano',
  adapterId: null,
  inferenceComponentName: 'base-tunegate-nano',
  createdAtMs: 1_000,
  ...over,
});

export const aCaller = (
  over: { readonly key?: Partial<ApiKey>; readonly tenant?: Partial<Tenant> } = {},
): Caller => {
  const tenant = aTenant(over.tenant);
  return {
    tenant,
    key: aKey({ tenantId: tenant.id, ...over.key }),
    models: [aModel({ tenantId: tenant.id })],
  };
};
