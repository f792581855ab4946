import { customerOf } from '#core/billing/customerOf.ts';
import type { PaymentProvider, ProviderUnavailable } from '#core/billing/ports.ts';
import type { CheckoutId, TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { World } from '#core/shared/world.ts';
import type { Directory } from '#core/tenants/ports.ts';
import { boughtAddOns } from './boughtAddOns.ts';
import type { ChosenAddOn, Interval, PlanCatalogue } from './plan.ts';
import type { SubscriptionProvider, SubscriptionStore } from './ports.ts';
import { isFinal } from './status.ts';
import type { SubscriptionCheckout } from './types.ts';

export type OpenSubscriptionDeps = {
  readonly catalogue: PlanCatalogue;
  readonly store: Pick<
    SubscriptionStore,
    'createSubscriptionCheckout' | 'attachSubscriptionSession' | 'subscriptionOf'
  >;
  readonly provider: Pick<SubscriptionProvider, 'createSubscriptionSession'> &
    Pick<PaymentProvider, 'createCustomer'>;
  readonly directory: Pick<Directory, 'readTenant' | 'updateTenant'>;
  readonly world: World;
};

export type SubscriptionWanted = {
  readonly tenantId: TenantId;
  readonly planId: string;
  readonly interval: Interval;
  readonly addOns: readonly ChosenAddOn[];
  readonly withSetup: boolean;
  readonly returnUrl: string | null;
  /** Where Dodo sends receipts; needed only for the tenant's first checkout. */
  readonly email: string | null;
  readonly idempotencyKey: string | null;
};

export type OpenedSubscriptionCheckout = SubscriptionCheckout & {
  readonly session: NonNullable<SubscriptionCheckout['session']>;
};

export type OpenSubscriptionRefused =
  | { readonly code: 'unknown_plan' | 'unknown_add_on'; readonly known: readonly string[] }
  | { readonly code: 'tenant_not_found' | 'idempotency_key_reused' | 'already_subscribed' }
  | { readonly code: 'customer_refused'; readonly detail: string }
  | ProviderUnavailable;

/**
 * Opens a checkout for a plan. Our own record is written before Dodo is asked, so that whatever happens in between a
 * subscription can be traced to what was offered, and to whom. Repeated with the same idempotency key it answers the
 * same checkout.
 */
export async function openSubscription(
  deps: OpenSubscriptionDeps,
  wanted: SubscriptionWanted,
): Promise<Result<OpenedSubscriptionCheckout, OpenSubscriptionRefused>> {
  const { catalogue, store, directory, world } = deps;
  const plan = catalogue.plans.find(({ id }) => id === wanted.planId);
  if (plan === undefined) return err({ code: 'unknown_plan', known: catalogue.plans.map(({ id }) => id) });
  const addOns = boughtAddOns(catalogue, wanted);
  if (!addOns.ok) return addOns;
  const tenant = await directory.readTenant(wanted.tenantId);
  if (tenant === undefined || tenant.status === 'closed') return err({ code: 'tenant_not_found' });
  const current = await store.subscriptionOf(tenant.id);
  if (current !== undefined && !isFinal(current.status)) return err({ code: 'already_subscribed' });
  const customer = await customerOf(deps, tenant, wanted.email);
  if (!customer.ok) return customer;

  const { email: _, ...offered } = wanted;
  const checkout = await store.createSubscriptionCheckout({
    ...offered,
    id: world.newId<CheckoutId>('checkout'),
    customerId: customer.value,
    createdAtMs: world.clock(),
    session: null,
  });
  if (!isOf(checkout, wanted)) return err({ code: 'idempotency_key_reused' });
  if (checkout.session !== null) return ok({ ...checkout, session: checkout.session });
  const session = await deps.provider.createSubscriptionSession({
    checkout,
    productId: plan.prices[wanted.interval].productId,
    addOns: addOns.value,
    setupProductId: wanted.withSetup ? (plan.setupFee?.productId ?? null) : null,
    currency: catalogue.currency,
  });
  // A refusal is a fault of our set-up (a product that Dodo does not know, say), not of the caller's.
  if (!session.ok) return err({ ...session.error, code: 'payment_provider_unavailable' });
  return ok({ ...checkout, session: await store.attachSubscriptionSession(checkout.id, session.value) });
}

const isOf = (checkout: SubscriptionCheckout, wanted: SubscriptionWanted): boolean =>
  checkout.planId === wanted.planId &&
  checkout.interval === wanted.interval &&
  checkout.withSetup === wanted.withSetup &&
  checkout.returnUrl === wanted.returnUrl &&
  JSON.stringify(checkout.addOns) === JSON.stringify(wanted.addOns);
