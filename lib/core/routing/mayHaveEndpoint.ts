import type { TenantId } from '#core/shared/ids.ts';
import type { Plan } from '#core/subscriptions/plan.ts';
import type { SubscriptionStore } from '#core/subscriptions/ports.ts';
import { isFinal } from '#core/subscriptions/status.ts';

/** Whether a tenant's plan gives it an endpoint of its own. Where there is no plan, the agency decides alone. */
export async function mayHaveEndpoint(
  subscriptions: {
    readonly catalogue: { readonly plans: readonly Plan[] };
    readonly store: Pick<SubscriptionStore, 'subscriptionOf'>;
  },
  tenantId: TenantId,
): Promise<boolean> {
  const subscription = await subscriptions.store.subscriptionOf(tenantId);
  if (subscription === undefined || isFinal(subscription.status)) return true;
  const plan = subscriptions.catalogue.plans.find(({ id }) => id === subscription.planId);
  return plan === undefined || plan.isolation === 'dedicated';
}
