import { describe, expect, test } from 'vitest';
import { localMonth } from '#core/pricing/localTime.ts';
import { monthlyBill } from '#core/pricing/monthlyTiers.ts';
import { parsePriceBooks } from '#core/pricing/parsePriceBooks.ts';
import { bookWith } from '#test/builders/prices.ts';

const tiers = [{ upTo: 1_000, price: '0.02' }, { upTo: 10_000, price: '0.01' }, { price: '0.005' }];

function parsed(requests: object) {
  const plan = bookWith({ model: '*', monthly: { requests } }).prices[0]?.monthly?.plans.requests;
  if (plan === undefined) throw new Error('no tiers');
  return plan;
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

test('compute is written in seconds and counted in milliseconds', () => {
  const computeSeconds = {
    kind: 'graduated',
    included: 10,
    tiers: [{ upTo: 5, price: '1' }, { price: '2' }],
  };
  const plan = bookWith({ model: '*', monthly: { computeSeconds } }).prices[0]?.monthly?.plans.computeMs;
  if (plan === undefined) throw new Error('no tiers');
  expect([10_000, 10_001, 15_000, 16_500].map((ms) => monthlyBill(plan, ms))).toEqual([
    0, 1_000, 5_000_000, 8_000_000,
  ]);
});

describe('tiers are refused', () => {
  const [first, second, last] = tiers;
  const refusedBecause = (line: object): string => {
    const book = {
      id: 'a',
      version: 1,
      effectiveFrom: '2026-01-01T00:00:00Z',
      prices: [{ model: '*', ...line }],
    };
    const read = parsePriceBooks({ currency: 'USD', usdPerCredit: '1', books: [book] });
    return read.ok ? '' : read.error.message;
  };
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
    const because = refusedBecause({ monthly: { requests: { kind: 'graduated', tiers, ...wrong } } });
    expect(because).toContain(`books[0].prices[0].monthly.requests.${message}`);
  });

  const plan = { kind: 'graduated', tiers };
  test.each([
    ['for nothing', { monthly: {} }, 'monthly has no tiers: give requests'],
    [
      'in no time zone',
      { monthly: { requests: plan, timeZone: 'Mars' } },
      'monthly.timeZone must be an IANA',
    ],
    [
      'beside a price of the line for the same',
      { perRequest: '1', monthly: { requests: plan } },
      'prices[0].perRequest says again what books[0].prices[0].monthly.requests says',
    ],
    [
      'beside a price of certain hours for the same',
      {
        monthly: { inputTokens: { ...plan, per: 1_000 } },
        windows: [{ timeZone: 'UTC', from: '22:00', until: '06:00', perMillionInputTokens: '1' }],
      },
      'prices[0].windows[0].perMillionInputTokens says again what',
    ],
    [
      'with the price of a million tokens for one',
      { monthly: { outputTokens: { kind: 'graduated', tiers: [{ price: '12' }] } } },
      'monthly.outputTokens.tiers[0].price is for 1 and too high: give "per" as well',
    ],
  ])('%s, naming the place and the mend', (_, line, message) => {
    expect(refusedBecause(line)).toContain(message);
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
