import { test as property } from '@fast-check/vitest';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { movementsBetween, recurringAt } from '#core/analytics/recurring.ts';
import { monthlyMinor } from '#core/subscriptions/recurringNow.ts';
import { loadPlans } from '#io/plans.ts';

const PLANS = loadPlans({ TUNEGATE_PRICE_TABLES_DIR: 'layers/price-tables' });
const [plan] = PLANS.plans;
const [addOn] = PLANS.addOns;

const book = fc.dictionary(
  fc.constantFrom('ten_a', 'ten_b', 'ten_c', 'ten_d', 'ten_e'),
  fc.integer({ min: 1, max: 1_000_000 }),
);

property.prop([book, book, fc.array(fc.constantFrom('ten_a', 'ten_b', 'ten_c'))])(
  'from + new + returned + expansion − contraction − churned = to',
  (before, after, paidBefore) => {
    const moved = movementsBetween(before, after, new Set(paidBefore));
    const { fromMinor, newMinor, returnedMinor, expansionMinor, contractionMinor, churnedMinor, toMinor } =
      moved;
    expect(fromMinor + newMinor + returnedMinor + expansionMinor - contractionMinor - churnedMinor).toBe(
      toMinor,
    );
    expect(toMinor).toBe(Object.values(after).reduce((sum, minor) => sum + minor, 0));
    expect(Object.keys(before).length + moved.newTenants + moved.returnedTenants - moved.churnedTenants).toBe(
      Object.keys(after).length,
    );
  },
);

test('movements name who came, grew, shrank and left', () => {
  const before = { ten_a: 200_000, ten_b: 500_000, ten_c: 100_000, ten_d: 200_000 };
  const after = { ten_a: 500_000, ten_b: 200_000, ten_c: 100_000, ten_e: 50_000 };
  expect(movementsBetween(before, after, new Set())).toEqual({
    fromMinor: 1_000_000,
    newMinor: 50_000,
    returnedMinor: 0,
    expansionMinor: 300_000,
    contractionMinor: 300_000,
    churnedMinor: 200_000,
    toMinor: 850_000,
    newTenants: 1,
    returnedTenants: 0,
    churnedTenants: 1,
    tenantChurnBasisPoints: 2_500,
    revenueChurnBasisPoints: 2_000,
  });
  expect(movementsBetween({}, after, new Set())).toMatchObject({ tenantChurnBasisPoints: null });
});

test('a year is twelve months, add-ons count, and what is late counts until it ends', () => {
  const base = { planId: plan?.id ?? '', interval: 'monthly', status: 'active', addOns: [] } as const;
  const price = plan?.prices.monthly.priceMinor ?? 0;
  expect(monthlyMinor(PLANS, base)).toBe(price);
  expect(monthlyMinor(PLANS, { ...base, interval: 'annual' })).toBe(
    Math.round((plan?.prices.annual.priceMinor ?? 0) / 12),
  );
  const two = [{ id: addOn?.id ?? '', quantity: 2 }];
  expect(monthlyMinor(PLANS, { ...base, addOns: two })).toBe(
    price + 2 * (addOn?.prices.monthly.priceMinor ?? 0),
  );
  const statuses = ['past_due', 'on_hold', 'paused', 'cancelled', 'expired', 'failed', 'pending'] as const;
  expect(statuses.map((status) => monthlyMinor(PLANS, { ...base, status }))).toEqual([
    price,
    price,
    0,
    0,
    0,
    0,
    0,
  ]);
  expect(monthlyMinor(PLANS, undefined)).toBe(0);
});

test('at a moment the latest change of each subscription counts, and all of them together', () => {
  const change = (subscriptionId: string, sinceMs: number, minor: number) => ({
    subscriptionId,
    sinceMs,
    minor,
  });
  const changes = [change('a', 10, 5), change('b', 20, 7), change('a', 30, 0), change('b', 30, 9)];
  expect([9, 10, 19, 20, 29, 30, 99].map((atMs) => recurringAt(changes, atMs))).toEqual([
    0, 5, 5, 12, 12, 9, 9,
  ]);
});
