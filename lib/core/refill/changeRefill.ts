import { type CustomerDeps, customerOf, type NoCustomer } from '#core/billing/customerOf.ts';
import type { PackCatalogue } from '#core/billing/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { Directory } from '#core/tenants/ports.ts';
import type { MandateProvider, RefillStore } from './ports.ts';
import { changeSettings, newRefillState } from './refillRules.ts';
import type { RefillSettings, RefillState } from './types.ts';

export type ChangeRefillDeps = CustomerDeps & {
  readonly catalogue: PackCatalogue;
  readonly refills: Pick<RefillStore, 'read' | 'save'>;
  readonly mandates: Pick<MandateProvider, 'findMandate' | 'openMandate'>;
  readonly directory: Pick<Directory, 'readTenant' | 'updateTenant'>;
};

export type RefillRequest = {
  readonly tenantId: TenantId;
  readonly settings: RefillSettings;
  /** Where the buyer returns to after giving a payment method. */
  readonly returnUrl: string | null;
  readonly email: string | null;
};

export type ChangedRefill = {
  readonly state: RefillState;
  /** Where a payment method is given; null where there is one, or none is needed. */
  readonly setupUrl: string | null;
};

export type ChangeRefillRefused =
  | { readonly code: 'unknown_pack'; readonly known: readonly string[] }
  | { readonly code: 'tenant_not_found' | 'refills_not_offered' | 'refill_contended' }
  | NoCustomer;

const MAX_ATTEMPTS = 5;

/**
 * Sets what a tenant wants, which also ends every wait after failures. Switched on without a payment method it
 * answers where to give one. An intent that is open goes on as it was begun.
 */
export async function changeRefill(
  deps: ChangeRefillDeps,
  request: RefillRequest,
): Promise<Result<ChangedRefill, ChangeRefillRefused>> {
  const { packs, refillProductId } = deps.catalogue;
  const { settings, tenantId } = request;
  if (settings.isEnabled && refillProductId === null) return err({ code: 'refills_not_offered' });
  if (!packs.some(({ id }) => id === settings.packId)) {
    return err({ code: 'unknown_pack', known: packs.map(({ id }) => id) });
  }
  const tenant = await deps.directory.readTenant(tenantId);
  if (tenant === undefined) return err({ code: 'tenant_not_found' });
  if (!settings.isEnabled || refillProductId === null)
    return write(deps, request, { mandateId: null, setupUrl: null });

  const customer = await customerOf(deps, tenant, request.email);
  if (!customer.ok) return customer;
  const product = { customerId: customer.value, productId: refillProductId };
  const found = await deps.mandates.findMandate(product);
  if (!found.ok) return err({ ...found.error, code: 'payment_provider_unavailable' });
  if (found.value !== null) return write(deps, request, { mandateId: found.value, setupUrl: null });
  const page = await deps.mandates.openMandate({ ...product, tenantId, returnUrl: request.returnUrl });
  if (!page.ok) return err({ ...page.error, code: 'payment_provider_unavailable' });
  return write(deps, request, { mandateId: null, setupUrl: page.value.url });
}

async function write(
  { refills, world }: ChangeRefillDeps,
  { tenantId, settings }: RefillRequest,
  method: { readonly mandateId: string | null; readonly setupUrl: string | null },
): Promise<Result<ChangedRefill, ChangeRefillRefused>> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const before = await refills.read(tenantId);
    const changed = changeSettings(before ?? newRefillState(tenantId, settings), {
      settings,
      setAtMs: world.clock(),
      mandateId: method.mandateId,
      mandateAskedAtMs: method.setupUrl === null ? null : world.clock(),
    });
    if (await refills.save(changed)) return ok({ state: changed, setupUrl: method.setupUrl });
  }
  return err({ code: 'refill_contended' });
}
