import { describe, expect, test } from 'vitest';
import { localMonth } from '#core/pricing/localTime.ts';
import { monthlyBill } from '#core/pricing/monthlyTiers.ts';
import { parseMonthlyTiers } from '#core/pricing/parseMonthlyTiers.ts';

const tiers = [{ upTo: 1_000, price: '0.02' }, { upTo: 10_000, price: '0.01' }, { price: '0.005' }];

function parsed(value: unknown) {
  const read = parseMonthlyTiers(value);
  if (!read.ok) throw new Error(read.error.message);
  return read.value;
}
const billOf = (value: object, quantity: number) =>
  monthlyBill(parsed({ tiers, ...value }), quantity) / 1_000_000;

test('graduated tiers price each unit by its own tier', () => {
  const bills = [0, 1_000, 1_001, 10_000, 12_000].map((calls) => billOf({ kind: 'graduated' }, calls));
  expect(bills).toEqual([0, 20, 20.01, 110, 120]);
});

test('volume tiers price every unit by the tier reached, and never above the beginning of the next', () => {
  const bills = [500, 501, 1_000, 1_001, 10_000, 12_000].map((calls) => billOf({ kind: 'volume' }, calls));
  // 501 calls would be 10.02, while 1,001 are 10.01; 10,000 would be 100, while 10,001 are 50.005.
  expect(bills).toEqual([10, 10.01, 10.01, 10.01, 50.005, 60]);
});

test('what is included costs nothing, and tiers are counted beyond it', () => {
  const bills = [5_000, 5_001, 6_001].map((calls) => billOf({ kind: 'graduated', included: 5_000 }, calls));
  expect(bills).toEqual([0, 0.02, 20.01]);
});

test('a price for a million tokens is rounded once a month, not once a call', () => {
  const tokens = { kind: 'graduated', per: 1_000_000, tiers: [{ price: '0.4' }] };
  expect(monthlyBill(parsed(tokens), 5)).toBe(2);
  expect(monthlyBill(parsed(tokens), 7)).toBe(3);
});

describe('tiers are refused', () => {
  const [first, second, last] = tiers;
  test.each([
    ['that overlap', { tiers: [second, first, last] }, 'tiers[1].upTo must be above 10000'],
    ['that overlap at their end', { tiers: [first, first, last] }, 'tiers[1].upTo must be above 1000'],
    ['that leave a gap at the top', { tiers: [first, second] }, 'tiers[1].upTo leaves a gap above 10000'],
    ['without an end before the last', { tiers: [last, first] }, 'tiers[0].upTo is required'],
    [
      'whose volume price rises',
      { kind: 'volume', tiers: [{ upTo: 5, price: '1' }, { price: '2' }] },
      'tiers[1].price must not be above',
    ],
    ['with a price as a number', { tiers: [{ price: 1 }] }, 'tiers[0].price must be a string'],
    ['of no kind', { kind: 'stairs' }, 'kind must be "graduated" or "volume"'],
    ['that are none', { tiers: [] }, 'tiers must have at least 1 items'],
    ['with a field of their own', { from: 1 }, 'from is not known here'],
    ['that begin at nothing', { tiers: [{ upTo: 0, price: '1' }, last] }, 'tiers[0].upTo must be at least 1'],
  ])('%s, naming the place and the mend', (_, wrong, message) => {
    const read = parseMonthlyTiers({ kind: 'graduated', tiers, ...wrong });
    expect(read.ok ? '' : read.error.message).toContain(message);
  });
});

describe('a month', () => {
  test.each([
    ['UTC', '2028-02-29T23:59:59.999Z', '2028-02'],
    ['UTC', '2028-03-01T00:00:00Z', '2028-03'],
    ['UTC', '2027-02-28T23:59:59.999Z', '2027-02'],
    ['Europe/Berlin', '2026-12-31T22:59:59.999Z', '2026-12'],
    ['Europe/Berlin', '2026-12-31T23:00:00Z', '2027-01'],
    ['Europe/Berlin', '2026-03-31T21:59:59.999Z', '2026-03'], // summer time since the 29th
    ['Europe/Berlin', '2026-03-31T22:00:00Z', '2026-04'],
    ['Europe/Berlin', '2026-10-31T22:59:59.999Z', '2026-10'], // winter time since the 25th
    ['America/Los_Angeles', '2026-11-01T06:59:59.999Z', '2026-10'], // the day on which summer time ends
    ['America/Los_Angeles', '2026-11-01T07:00:00Z', '2026-11'],
    ['Pacific/Kiritimati', '2026-01-31T10:00:00Z', '2026-02'],
  ])('in %s at %s is %s', (zone, time, month) => {
    expect(localMonth(zone, Date.parse(time))).toBe(month);
  });
});
