import { rulesOf } from '#core/limits/changeLimits.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { AuditRecord, TenantChange } from './ports.ts';
import { type Act, auditRecord, type Tenancy } from './tenancy.ts';
import type { Reprieve, Tenant } from './types.ts';

/** What a tenant's status may become. Staying as it is counts: a repeated change mends a half-done one. */
const TRANSITIONS = {
  active: ['active', 'suspended', 'closed'],
  suspended: ['suspended', 'active', 'closed'],
  closed: ['closed'],
} as const satisfies Record<Tenant['status'], readonly Tenant['status'][]>;

export type ChangeRefused = { readonly code: 'tenant_not_found' } | { readonly code: 'tenant_closed' };

/**
 * Renames, suspends, resumes or closes a tenant, or gives it another price book or time zone. The account's status changes
 * first, because it is what stops the spending; a crash between the two is mended by the same change again.
 */
export async function changeTenant(
  { world, directory, ledger }: Omit<Tenancy, 'signing'>,
  {
    tenantId,
    change,
    act,
  }: { readonly tenantId: TenantId; readonly change: TenantChange; readonly act: Act },
): Promise<Result<Tenant, ChangeRefused>> {
  const tenant = await directory.readTenant(tenantId);
  if (tenant === undefined) return err({ code: 'tenant_not_found' });
  if (change.status !== undefined && !mayBecome(tenant.status, change.status))
    return err({ code: 'tenant_closed' });
  if (change.status !== undefined) {
    const set = await ledger.setStatus(tenantId, change.status);
    if (!set.ok && set.error.code === 'account_closed') return err({ code: 'tenant_closed' });
    if (!set.ok) throw new Error(`the tenant ${tenantId} has no account`);
  }
  const changed = await directory.updateTenant(
    tenantId,
    change,
    auditRecord(world, act, { action: 'tenant.update', tenantId, details: detailsOf(change) }),
  );
  if (changed === undefined) return err({ code: 'tenant_not_found' });
  if (change.timeZone !== undefined) await moveCaps({ world, ledger }, tenantId, change.timeZone);
  return ok(changed);
}

/** Spend caps count the days and months of the tenant's calendar. */
async function moveCaps(
  { world, ledger }: Pick<Tenancy, 'world' | 'ledger'>,
  tenantId: TenantId,
  timeZone: string,
): Promise<void> {
  const limits = (await ledger.readAccount(tenantId))?.limits;
  if (limits === undefined || limits.timeZone === timeZone) return;
  const rules = rulesOf(limits.scopes['tenant'] ?? {});
  await ledger.setLimits(tenantId, { scope: 'tenant', rules, timeZone, nowMs: world.clock() });
}

const detailsOf = ({ suspension, reprieve, watch, ...change }: TenantChange): AuditRecord['details'] => ({
  ...change,
  ...(watch === undefined ? {} : { watch: JSON.stringify(watch) }),
  ...(reprieve ? { unpaidUntil: untilText(reprieve) } : {}),
  ...(suspension === undefined ? {} : { suspendedBecause: suspension?.because ?? null }),
});

const untilText = ({ untilMs }: Reprieve): string =>
  untilMs === null ? 'the next payment that fails' : new Date(untilMs).toISOString();

const mayBecome = (from: Tenant['status'], to: Tenant['status']): boolean =>
  TRANSITIONS[from].some((status) => status === to);
