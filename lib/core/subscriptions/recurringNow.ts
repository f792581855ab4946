import type { PlanCatalogue } from './plan.ts';
import type { RecurringRevenue, SubscriptionRecord } from './types.ts';

/** What pays each month, in minor units of the catalogue's currency: one that is late still counts, until it ends. */
const PAYING: ReadonlySet<string> = new Set(['active', 'past_due', 'on_hold']);
const MONTHS = { monthly: 1, annual: 12 } as const;

/**
 * What one subscription brings a month, before tax and usage: the plan and its add-ons, a year's price in twelve parts
 * rounded to the nearest minor unit. 0 for one that is paused or has ended.
 */
export function monthlyMinor(
  { plans, addOns }: Pick<PlanCatalogue, 'plans' | 'addOns'>,
  subscription: Pick<SubscriptionRecord, 'status' | 'planId' | 'interval' | 'addOns'> | undefined,
): number {
  if (subscription === undefined || subscription.interval === null) return 0;
  const { interval, planId } = subscription;
  const plan = plans.find(({ id }) => id === planId);
  if (plan === undefined || !PAYING.has(subscription.status)) return 0;
  const addOnMinor = subscription.addOns.map(({ id, quantity }) => {
    const addOn = addOns.find((one) => one.id === id);
    return (addOn?.prices[interval].priceMinor ?? 0) * quantity;
  });
  const paid = addOnMinor.reduce((sum, price) => sum + price, plan.prices[interval].priceMinor);
  return Math.round(paid / MONTHS[interval]);
}

/**
 * What a subscription brings, and since when: the same as before where nothing changed. One that is seen for the first
 * time pays since it was made; every later change counts from the moment at which we saw it.
 */
export function recurringNow(
  catalogue: Pick<PlanCatalogue, 'plans' | 'addOns'>,
  {
    before,
    now,
    nowMs,
  }: {
    readonly before: SubscriptionRecord | undefined;
    readonly now: Omit<SubscriptionRecord, 'recurring'>;
    readonly nowMs: number;
  },
): RecurringRevenue | null {
  const minor = now.tenantId === null ? 0 : monthlyMinor(catalogue, now);
  const known = before?.recurring ?? null;
  if (minor === (known?.minor ?? 0)) return known;
  return { minor, sinceMs: before === undefined ? Math.min(nowMs, now.createdAtMs) : nowMs };
}
