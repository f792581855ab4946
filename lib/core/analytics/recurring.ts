import type { PlanCatalogue } from '#core/subscriptions/plan.ts';
import type { SubscriptionRecord } from '#core/subscriptions/types.ts';

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

/** What each paying tenant brings a month. */
export type Recurring = Readonly<Record<string, number>>;

export type Movements = {
  readonly fromMinor: number;
  readonly newMinor: number;
  readonly expansionMinor: number;
  readonly contractionMinor: number;
  readonly churnedMinor: number;
  readonly toMinor: number;
  readonly newTenants: number;
  readonly churnedTenants: number;
  /** Of those that paid before: how many left, and how much with them, in hundredths of a percent; null: none paid. */
  readonly tenantChurnBasisPoints: number | null;
  readonly revenueChurnBasisPoints: number | null;
};

/** How recurring revenue went from one month to the next: from + new + expansion − contraction − churned = to. */
export function movementsBetween(before: Recurring, after: Recurring): Movements {
  const sums = {
    fromMinor: 0,
    newMinor: 0,
    expansionMinor: 0,
    contractionMinor: 0,
    churnedMinor: 0,
    toMinor: 0,
  };
  const counts = { newTenants: 0, churnedTenants: 0 };
  for (const tenantId of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [was, is] = [before[tenantId] ?? 0, after[tenantId] ?? 0];
    sums.fromMinor += was;
    sums.toMinor += is;
    if (was === 0 && is > 0) {
      sums.newMinor += is;
      counts.newTenants += 1;
    } else if (was > 0 && is === 0) {
      sums.churnedMinor += was;
      counts.churnedTenants += 1;
    } else if (is > was) sums.expansionMinor += is - was;
    else sums.contractionMinor += was - is;
  }
  const paid = Object.values(before).filter((minor) => minor > 0).length;
  return {
    ...sums,
    ...counts,
    tenantChurnBasisPoints: share(counts.churnedTenants, paid),
    revenueChurnBasisPoints: share(sums.churnedMinor, sums.fromMinor),
  };
}

const BASIS_POINTS = 10_000;

/** Rounded to the nearest hundredth of a percent. */
const share = (part: number, whole: number): number | null =>
  whole === 0 ? null : Math.round((part * BASIS_POINTS) / whole);
