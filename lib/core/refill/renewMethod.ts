import type { TenantId } from '#core/shared/ids.ts';
import type { Directory } from '#core/tenants/ports.ts';
import type { RefillStore } from './ports.ts';
import { forgetFailures } from './refillRules.ts';

const MAX_ATTEMPTS = 5;

/**
 * The buyer gave another payment method: what failed was the old one's fault, and the next try need not wait. The
 * tenant's id came with the event, where a buyer could have put another's; its customer must be the tenant's own.
 */
export async function renewMethod(
  deps: {
    readonly store: Pick<RefillStore, 'read' | 'save'>;
    readonly directory: Pick<Directory, 'readTenant'>;
  },
  { tenantId, customerId }: { readonly tenantId: TenantId; readonly customerId: string },
): Promise<void> {
  const tenant = await deps.directory.readTenant(tenantId);
  if (tenant?.dodoCustomerId !== customerId) return;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const state = await deps.store.read(tenantId);
    const renewed = state === undefined ? undefined : forgetFailures(state);
    if (renewed === undefined || (await deps.store.save(renewed))) return;
  }
  throw new Error(`the refill of ${tenantId} is changed by others all the time`);
}
