import type { TenantId } from '#core/shared/ids.ts';
import { ZERO } from '#core/shared/money.ts';
import { type Act, auditRecord, type Tenancy } from './tenancy.ts';
import type { Tenant } from './types.ts';

/** Prepaid: what is settled never brings an account below zero. */
const OVERDRAFT_LIMIT = ZERO;

/**
 * Creates a tenant with an empty account. The account comes first: a crash between the two leaves an account
 * that nobody owns and nothing can reach, never a tenant without one.
 */
export async function openTenant(
  { world, directory, ledger }: Tenancy,
  wanted: Pick<Tenant, 'name' | 'priceBookId'>,
  act: Act,
): Promise<Tenant> {
  const tenant: Tenant = {
    id: world.newId<TenantId>('tenant'),
    name: wanted.name,
    status: 'active',
    priceBookId: wanted.priceBookId,
    createdAtMs: world.clock(),
  };
  await ledger.openAccount(tenant.id, OVERDRAFT_LIMIT);
  const details = { name: tenant.name, priceBook: tenant.priceBookId };
  const created = await directory.createTenant(
    tenant,
    auditRecord(world, act, { action: 'tenant.create', tenantId: tenant.id, details }),
  );
  if (!created) throw new Error(`the fresh id ${tenant.id} was taken`);
  return tenant;
}
