import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseCreditPacks } from '#core/billing/parseCreditPacks.ts';
import { type LintInput, lintPriceBooks } from '#core/pricing/lintPriceBooks.ts';
import { micro } from '#core/shared/money.ts';
import { booksOf, bookWith } from '#test/builders/prices.ts';

const packs = (() => {
  const parsed = parseCreditPacks(JSON.parse(readFileSync('layers/price-tables/credit-packs.json', 'utf8')));
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.value.packs;
})();
const warningsOf = (given: Partial<LintInput>) =>
  lintPriceBooks({
    books: [bookWith({ model: '*', perRequest: '0.005' })],
    typicalCall: { inputTokens: 1_000, outputTokens: 300, computeMs: 0 },
    costMicro: undefined,
    packs,
    plans: [],
    soldCredits: [],
    ...given,
  });
const pack50 = packs.filter(({ id }) => id === 'pack-50');

test('a plan of $100 for 5,000 calls is dearer than a pack at $0.005 a call', () => {
  const [warning, ...others] = warningsOf({
    packs: pack50,
    plans: [{ name: 'Growth', priceMinor: 10_000, calls: 5_000 }],
  });
  expect(others).toEqual([]);
  expect(warning?.path).toBe('books[0].prices[0]');
  expect(warning?.message).toBe(
    'the plan Growth is dearer than a pack: 0.02 a call against 0.005 with pack-50; include at least 20000 calls or lower its price',
  );
});

test('a plan is compared with the cheapest pack, and equal is not dearer', () => {
  const plan = (calls: number) => [{ name: 'P', priceMinor: 10_000, calls }];
  expect(warningsOf({ packs: pack50, plans: plan(20_000) })).toEqual([]);
  // 220 credits for $200: 0.005 credits are worth $0.004545.
  expect(warningsOf({ plans: plan(20_000) })[0]?.message).toContain('include at least 22000 calls');
  expect(warningsOf({ plans: plan(22_000) })).toEqual([]);
});

test('a price under cost is named with what is missing, in the line and in its windows', () => {
  const window = { timeZone: 'UTC', from: '00:00', until: '06:00', perRequest: '0.003' };
  const books = [bookWith({ model: '*', perRequest: '0.005', windows: [window] })];
  expect(warningsOf({ books, costMicro: micro(5_000) })).toEqual([
    {
      path: 'books[0].prices[0].windows[0]',
      message: 'is under cost: a call brings 0.003 and costs 0.005 credits; raise it by 0.002 a call',
    },
  ]);
  expect(warningsOf({ books, costMicro: micro(3_000) })).toEqual([]);
});

test('a free line, a book that leaves models out and versions out of order are named', () => {
  const later = { effectiveFrom: '2027-01-01T00:00:00Z', prices: [{ model: '*', perRequest: '1' }] };
  const books = booksOf(
    { id: 'a', version: 1, ...later },
    { ...later, id: 'a', version: 2, effectiveFrom: '2026-01-01T00:00:00Z' },
    { id: 'b', version: 1, effectiveFrom: '2026-01-01T00:00:00Z', prices: [{ model: 'm', perRequest: '0' }] },
  );
  const paths = warningsOf({ books }).map(({ path, message }) => `${path} ${message.slice(0, 9)}`);
  expect(paths).toEqual([
    'books[1].version version 1',
    'books[2].prices[0] is free: ',
    'books[2].prices has no li',
  ]);
});

test('windows that share a minute of the week are named, over midnight and the end of the week too', () => {
  const night = { timeZone: 'UTC', days: ['sat'], from: '22:00', until: '06:00', perRequest: '1' };
  const overlapping = (other: object) =>
    warningsOf({
      books: [bookWith({ model: '*', perRequest: '2', windows: [night, { ...night, ...other }] })],
    }).map(({ path }) => path);
  expect(overlapping({ days: ['sun'], from: '05:00', until: '07:00' })).toEqual([
    'books[0].prices[0].windows[1]',
  ]);
  expect(overlapping({ days: ['sun'], from: '06:00', until: '07:00' })).toEqual([]);
});

test('the price books that come with the product have nothing to mend', () => {
  const { books } = JSON.parse(readFileSync('layers/price-tables/price-books.json', 'utf8'));
  expect(warningsOf({ books: booksOf(...books) })).toEqual([]);
});

const tiers = (...prices: readonly string[]) => ({
  kind: 'graduated',
  included: 100,
  tiers: prices.map((price, n) => (n === prices.length - 1 ? { price } : { upTo: (n + 1) * 1_000, price })),
});

test('of tiers the cheapest is held against the cost, and only tiers that are all free are called free', () => {
  const books = [bookWith({ model: '*', monthly: { requests: tiers('0.02', '0.004') } })];
  expect(warningsOf({ books, costMicro: micro(4_000) })).toEqual([]);
  expect(warningsOf({ books, costMicro: micro(5_000) })).toEqual([
    {
      path: 'books[0].prices[0]',
      message:
        'is under cost: a call in the cheapest tiers brings 0.004 and costs 0.005 credits; raise it by 0.001 a call',
    },
  ]);
  const free = [bookWith({ model: '*', monthly: { requests: tiers('0', '0') } })];
  expect(warningsOf({ books: free })[0]?.message).toContain('is free');
  expect(warningsOf({ books: [bookWith({ model: '*', monthly: { requests: tiers('0', '1') } })] })).toEqual(
    [],
  );
});

test('a later version that changes its tiers in mid-month is named, by the clock of its months', () => {
  const version = (n: number, effectiveFrom: string, line: object) => ({
    id: 'a',
    version: n,
    effectiveFrom,
    prices: [{ model: '*', monthly: { timeZone: 'Europe/Berlin', requests: tiers('1') }, ...line }],
  });
  const first = version(1, '2026-01-10T00:00:00Z', {});
  const warned = (from: string, line: object) =>
    warningsOf({ books: booksOf(first, version(2, from, line)) }).map(({ path }) => path);
  const other = { monthly: { timeZone: 'Europe/Berlin', requests: tiers('1', '0.5') } };
  expect(warned('2026-05-31T22:00:00Z', other)).toEqual([]);
  expect(warned('2026-06-01T00:00:00Z', other)).toEqual(['books[1].prices[0].monthly']);
  // The same tiers go on counting, whatever else the version changes.
  expect(warned('2026-06-01T00:00:00Z', { perMillionInputTokens: '3' })).toEqual([]);
  expect(warned('2026-06-02T00:00:00Z', { monthly: { timeZone: 'UTC', requests: tiers('1') } })).toEqual([
    'books[1].prices[0].monthly',
  ]);
  expect(warned('2026-06-01T00:00:00Z', { model: 'support' })).toContain('books[1].prices[0].monthly');
});

test('windows of two zones are compared by the clock, summer and winter', () => {
  const berlin = { timeZone: 'Europe/Berlin', from: '22:00', until: '06:00', perRequest: '1' };
  const overlapping = (other: object) =>
    warningsOf({
      books: [bookWith({ model: '*', perRequest: '2', windows: [berlin, { ...berlin, ...other }] })],
    }).map(({ path }) => path);
  const newYork = { timeZone: 'America/New_York' };
  // 22:00 in Berlin is 16:00 in New York, and 17:00 in the weeks when only one of them saves daylight.
  expect(overlapping({ ...newYork, from: '15:00', until: '16:00' })).toEqual([]);
  expect(overlapping({ ...newYork, from: '15:00', until: '17:30' })).toEqual([
    'books[0].prices[0].windows[1]',
  ]);
  expect(overlapping({ timeZone: 'Asia/Kolkata', from: '00:00', until: '01:00' })).toEqual([]);
  // In winter Berlin's 22:00 is 02:30 in Kolkata, in summer 01:30.
  expect(overlapping({ timeZone: 'Asia/Kolkata', from: '01:00', until: '02:00' })).toEqual([
    'books[0].prices[0].windows[1]',
  ]);
});

test('overage that is dearer than every pack is a mistake, and one that is dearer than the cheapest is none', () => {
  const overage = (priceMinor: number) => [
    { name: 'the overage of Growth', priceMinor, creditsMicro: 1_000_000_000_000 },
  ];
  expect(warningsOf({ soldCredits: overage(100_000_000) })).toEqual([]);
  expect(warningsOf({ soldCredits: overage(120_000_000) })).toEqual([
    {
      path: 'books[0].prices[0]',
      message:
        'the overage of Growth is dearer than every pack: 0.006 a call against 0.005 with pack-50; lower its price',
    },
  ]);
});
