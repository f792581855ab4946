import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { dearestCharge, type MonthlyTiers, monthlyBill, monthlyCharge } from '#core/pricing/monthlyTiers.ts';
import { micro } from '#core/shared/money.ts';

/** Small numbers, so that the independent calculation can look at every unit by itself. */
const prices = fc.array(fc.nat({ max: 5_000 }), { minLength: 1, maxLength: 4 });
const plans = fc
  .record({
    kind: fc.constantFrom('graduated' as const, 'volume' as const),
    included: fc.nat({ max: 12 }),
    per: fc.constantFrom(1, 7, 1_000),
    prices,
    lengths: fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 4, maxLength: 4 }),
  })
  .map(({ kind, included, per, prices: drawn, lengths }): MonthlyTiers => {
    const ordered = kind === 'volume' ? [...drawn].sort((a, b) => b - a) : drawn;
    let end = 0;
    const tiers = ordered.map((price, n) => {
      end += lengths[n] ?? 1;
      return { upTo: n === ordered.length - 1 ? null : end, priceMicro: micro(price) };
    });
    return { kind, included, per, tiers };
  });
const quantities = fc.nat({ max: 90 });
const FURTHEST = 200;

/** The price of the tier that the n-th billable unit of the month is in. */
const priceOfUnit = (plan: MonthlyTiers, n: number): bigint =>
  BigInt(plan.tiers.find(({ upTo }) => upTo === null || n <= upTo)?.priceMicro ?? 0);
const unitsUpTo = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n + 1);

/** The bill times `per`, worked out unit by unit: exact, since `per` is the only divisor. */
function independentBill(plan: MonthlyTiers, quantity: number): bigint {
  const billable = Math.max(0, quantity - plan.included);
  if (billable === 0) return 0n;
  if (plan.kind === 'graduated')
    return unitsUpTo(billable).reduce((sum, unit) => sum + priceOfUnit(plan, unit), 0n);
  const totals = unitsUpTo(FURTHEST).map((total) => priceOfUnit(plan, total) * BigInt(total));
  const [least = 0n] = totals.slice(billable - 1).sort((a, b) => (a < b ? -1 : 1));
  return least;
}

test.prop([plans, quantities])(
  'a bill is the sum over its units in exact fractions, rounded up',
  (plan, quantity) => {
    const charged = BigInt(monthlyBill(plan, quantity)) * BigInt(plan.per);
    const exact = independentBill(plan, quantity);
    expect(charged >= exact && charged - exact < BigInt(plan.per)).toBe(true);
  },
);

test.prop([
  plans,
  fc.array(fc.nat({ max: 15 }), { maxLength: 12 }),
  fc.array(fc.nat({ max: 15 }), { maxLength: 12 }),
])('splitting a month into any batches, in any order, gives the same bill', (plan, one, other) => {
  const sum = (parts: readonly number[]) => parts.reduce((total, part) => total + part, 0);
  // Two ways to cut the same month: the other way is topped up or cut to the same total.
  const total = sum(one);
  const again: number[] = [];
  for (const part of [...other, total]) again.push(Math.min(part, total - sum(again)));
  const charged = (parts: readonly number[]) => {
    let before = 0;
    return parts.reduce((bill, used) => {
      const charge = monthlyCharge(plan, { before, used });
      before += used;
      return bill + charge;
    }, 0);
  };
  expect(charged(one)).toBe(monthlyBill(plan, total));
  expect(charged([...one].reverse())).toBe(monthlyBill(plan, total));
  expect(charged(again)).toBe(monthlyBill(plan, total));
});

test.prop([plans, quantities, quantities])(
  'no charge is negative, none above what was quoted',
  (plan, before, used) => {
    const charge = monthlyCharge(plan, { before, used });
    expect(charge).toBeGreaterThanOrEqual(0);
    expect(charge).toBeLessThanOrEqual(dearestCharge(plan, used));
  },
);

test.prop([plans, quantities])(
  'tiers are continuous: one unit more costs at most the dearest unit',
  (plan, quantity) => {
    const step = monthlyBill(plan, quantity + 1) - monthlyBill(plan, quantity);
    expect(step).toBeGreaterThanOrEqual(0);
    expect(step).toBeLessThanOrEqual(dearestCharge(plan, 1));
  },
);

const huge = fc.nat({ max: 1_000_000_000_000 });
const hugePlans = fc
  .record({
    kind: fc.constantFrom('graduated' as const, 'volume' as const),
    included: huge,
    per: fc.constantFrom(1, 999, 1_000_000),
    prices: fc.array(fc.nat({ max: 1_000_000_000 }), { minLength: 1, maxLength: 4 }),
    length: fc.integer({ min: 1, max: 1_000_000_000 }),
  })
  .map(({ kind, included, per, prices: drawn, length }): MonthlyTiers => {
    const ordered = kind === 'volume' ? [...drawn].sort((a, b) => b - a) : drawn;
    const tiers = ordered.map((price, n) => ({
      upTo: n === ordered.length - 1 ? null : (n + 1) * length,
      priceMicro: micro(price),
    }));
    return { kind, included, per, tiers };
  });

/** The bill times `per`, tier by tier in exact integers: what is beyond the range of a number too. */
function exactBill({ kind, included, tiers }: MonthlyTiers, quantity: number): bigint {
  const billable = BigInt(Math.max(0, quantity - included));
  if (billable === 0n) return 0n;
  const ends = tiers.map(({ upTo }) => (upTo === null ? undefined : BigInt(upTo)));
  const min = (a: bigint, b: bigint | undefined) => (b === undefined || a < b ? a : b);
  const max = (a: bigint, b: bigint) => (a > b ? a : b);
  if (kind === 'graduated')
    return tiers.reduce((sum, { priceMicro }, n) => {
      const from = n === 0 ? 0n : (ends[n - 1] ?? 0n);
      return sum + max(0n, min(billable, ends[n]) - from) * BigInt(priceMicro);
    }, 0n);
  const reached = tiers.flatMap(({ priceMicro }, n) => {
    const from = n === 0 ? 1n : (ends[n - 1] ?? 0n) + 1n;
    const end = ends[n];
    return end !== undefined && end < billable ? [] : [BigInt(priceMicro) * max(from, billable)];
  });
  return reached.reduce((least, cost) => min(least, cost), reached[0] ?? 0n);
}

test.prop([hugePlans, huge])('large months are as exact as small ones', (plan, quantity) => {
  const exact = exactBill(plan, quantity);
  const per = BigInt(plan.per);
  const bill = (exact + per - 1n) / per;
  if (bill > BigInt(Number.MAX_SAFE_INTEGER)) expect(() => monthlyBill(plan, quantity)).toThrow(RangeError);
  else expect(BigInt(monthlyBill(plan, quantity))).toBe(bill);
});

describe('quantities that are none', () => {
  test.prop([plans, fc.oneof(fc.double(), fc.integer({ max: -1 }))])('throw', (plan, wrong) => {
    fc.pre(!Number.isSafeInteger(wrong) || wrong < 0);
    expect(() => monthlyBill(plan, wrong)).toThrow(RangeError);
  });
});
