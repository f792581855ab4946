import type { Ledger } from '#core/ledger/ports.ts';
import type { KeyId, TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { type Act, auditRecord, type Tenancy } from '#core/tenants/tenancy.ts';
import type { Tenant } from '#core/tenants/types.ts';
import type { LimitChange, LimitChangeRefused } from './changeLimits.ts';
import type { AccountLimits } from './types.ts';

export type LimitsDeps = Pick<Tenancy, 'world' | 'directory'> & {
  readonly ledger: Pick<Ledger, 'readAccount' | 'setLimits'>;
};

/** Of whom: a tenant, or one of its keys. */
export type LimitsOf = { readonly tenantId: TenantId; readonly keyId?: KeyId };

type NotFound = { readonly code: 'tenant_not_found' } | { readonly code: 'key_not_found' };
export type SetLimitsRefused = NotFound | LimitChangeRefused;

/**
 * Sets the limits of a tenant or a key: in force for the next call. The record in the audit log follows, and a
 * repeat, which changes nothing else, writes one that a crash kept back.
 * Errors: tenant_not_found, key_not_found (another tenant's too), too_many_limited_keys.
 */
export async function setLimits(
  deps: LimitsDeps,
  of: LimitsOf,
  change: Pick<LimitChange, 'rules' | 'onUnusual'>,
  act: Act,
): Promise<Result<AccountLimits, SetLimitsRefused>> {
  const found = await findTenant(deps, of);
  if (!found.ok) return found;
  const scope = of.keyId ?? 'tenant';
  const zone = found.value.timeZone ?? 'UTC';
  const nowMs = deps.world.clock();
  const changed = await deps.ledger.setLimits(of.tenantId, { ...change, scope, timeZone: zone, nowMs });
  if (!changed.ok && changed.error.code === 'too_many_limited_keys') return err(changed.error);
  if (!changed.ok) throw new Error(`the tenant ${of.tenantId} has no account`);
  const { timeZone, revision } = changed.value;
  const details = { scope, ...change.rules, timeZone, revision };
  await deps.directory.appendAudit(
    auditRecord(deps.world, act, { action: 'limits.set', tenantId: of.tenantId, details }),
  );
  return changed;
}

/** The limits of a tenant with all of its keys; undefined where nothing was ever limited. Errors as above. */
export async function readLimits(
  deps: LimitsDeps,
  of: LimitsOf,
): Promise<Result<AccountLimits | undefined, NotFound>> {
  const found = await findTenant(deps, of);
  return found.ok ? ok((await deps.ledger.readAccount(of.tenantId))?.limits) : found;
}

/** The tenant, whose key it is, too, where one is named. */
async function findTenant(
  { directory }: LimitsDeps,
  { tenantId, keyId }: LimitsOf,
): Promise<Result<Tenant, NotFound>> {
  const tenant = await directory.readTenant(tenantId);
  if (tenant === undefined) return err({ code: 'tenant_not_found' });
  const key = keyId === undefined ? undefined : await directory.readKey(keyId);
  return keyId === undefined || key?.tenantId === tenantId ? ok(tenant) : err({ code: 'key_not_found' });
}
