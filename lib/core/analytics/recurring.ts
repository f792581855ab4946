import type { RecurringChange } from '#core/subscriptions/ports.ts';

/** What each paying tenant brings a month. */
export type Recurring = Readonly<Record<string, number>>;

/** What a tenant's subscriptions brought together at a moment, in minor units a month. */
export function recurringAt(changes: readonly RecurringChange[], atMs: number): number {
  const latest = new Map<string, RecurringChange>();
  for (const change of changes) {
    const known = latest.get(change.subscriptionId);
    if (change.sinceMs <= atMs && (known === undefined || known.sinceMs <= change.sinceMs))
      latest.set(change.subscriptionId, change);
  }
  return [...latest.values()].reduce((sum, { minor }) => sum + minor, 0);
}

export type Movements = {
  readonly fromMinor: number;
  readonly newMinor: number;
  /** Of those that had paid in an earlier month, and nothing in the one before. */
  readonly returnedMinor: number;
  readonly expansionMinor: number;
  readonly contractionMinor: number;
  readonly churnedMinor: number;
  readonly toMinor: number;
  readonly newTenants: number;
  readonly returnedTenants: number;
  readonly churnedTenants: number;
  /** Of those that paid before: how many left, and how much with them, in hundredths of a percent; null: none paid. */
  readonly tenantChurnBasisPoints: number | null;
  readonly revenueChurnBasisPoints: number | null;
};

/**
 * How recurring revenue went from one month to the next: from + new + returned + expansion −
 * contraction − churned = to. `paidBefore` are those that had ever paid.
 */
export function movementsBetween(
  before: Recurring,
  after: Recurring,
  paidBefore: ReadonlySet<string>,
): Movements {
  const sums = {
    fromMinor: 0,
    newMinor: 0,
    returnedMinor: 0,
    expansionMinor: 0,
    contractionMinor: 0,
    churnedMinor: 0,
    toMinor: 0,
  };
  const counts = { newTenants: 0, returnedTenants: 0, churnedTenants: 0 };
  for (const tenantId of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [was, is] = [before[tenantId] ?? 0, after[tenantId] ?? 0];
    sums.fromMinor += was;
    sums.toMinor += is;
    if (was === 0 && is > 0 && paidBefore.has(tenantId)) {
      sums.returnedMinor += is;
      counts.returnedTenants += 1;
    } else if (was === 0 && is > 0) {
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
