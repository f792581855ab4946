import { err, ok, type Result } from '#core/shared/result.ts';
import type { World } from '#core/shared/world.ts';
import type { Directory } from '#core/tenants/ports.ts';
import type { Tenant } from '#core/tenants/types.ts';
import type { PaymentProvider, ProviderUnavailable } from './ports.ts';

export type CustomerDeps = {
  readonly provider: Pick<PaymentProvider, 'createCustomer'>;
  readonly directory: Pick<Directory, 'updateTenant'>;
  readonly world: World;
};

/** `customer_refused`: Dodo takes no customer with this address. `detail` is for the log. */
export type NoCustomer = { readonly code: 'customer_refused'; readonly detail: string } | ProviderUnavailable;

/** The tenant's customer at Dodo, made before its first checkout and kept on the tenant. */
export async function customerOf(
  deps: CustomerDeps,
  tenant: Tenant,
  email: string | null,
): Promise<Result<string, NoCustomer>> {
  if (tenant.dodoCustomerId !== undefined) return ok(tenant.dodoCustomerId);
  const created = await deps.provider.createCustomer({
    // A name under .invalid reaches nobody: a receipt may get lost, but never go to a stranger.
    email: email ?? `${tenant.id}@customers.invalid`,
    name: tenant.name,
    tenantId: tenant.id,
  });
  if (!created.ok) {
    const { code, detail } = created.error;
    return err({ code: code === 'payment_provider_refused' ? 'customer_refused' : code, detail });
  }
  const { customerId } = created.value;
  await deps.directory.updateTenant(
    tenant.id,
    { dodoCustomerId: customerId },
    {
      id: deps.world.newId('auditRecord'),
      atMs: deps.world.clock(),
      actor: 'dodo',
      action: 'tenant.customer_created',
      tenantId: tenant.id,
      reason: 'the first purchase needs a customer at Dodo',
      details: { customerId },
    },
  );
  return ok(customerId);
}
