import { expect, test } from 'vitest';
import { explainRating } from '#core/pricing/explainRating.ts';
import { bookWith, usedBy } from '#test/builders/prices.ts';

const night = { timeZone: 'Europe/Berlin', from: '22:00', until: '06:00', perRequest: '0.001' };
const book = bookWith({
  model: '*',
  perRequest: '0.002',
  perThousandInputTokens: '0.003',
  perMillionOutputTokens: '12.000001',
  perComputeSecond: '0.0004',
  maxComputeSeconds: 2,
  windows: [night],
});
const call = { inputTokens: 1_234, outputTokens: 7, computeMs: 2_500 };
const linesOf = (given: Parameters<typeof usedBy>[0]) =>
  explainRating(book, usedBy({ ...call, ...given })).steps.map(({ step, detail }) => `${step}: ${detail}`);

test('each part is shown with its exact share, and the sum as it is charged', () => {
  expect(linesOf({ startedAtMs: Date.parse('2026-07-01T21:30:00Z') })).toEqual([
    'price book: test version 1, in force from 2020-01-01T00:00:00.000Z',
    'line: for every model without a line of its own, every tenant',
    'hour: it began at 23:30 in Europe/Berlin, in the window 22:00 to 06:00',
    'request: 1 × 0.001 a request = 0.001',
    'input tokens: 1234 × 3 a million = 0.003702',
    'output tokens: 7 × 12.000001 a million = 0.000084000007',
    'compute: 2000 ms, of 2500 worked × 0.0004 a second = 0.0008',
    'price: 0.005587 credits: the sum, rounded up to a millionth',
  ]);
});

test('a call outside of every window says so', () => {
  expect(linesOf({ startedAtMs: Date.parse('2026-07-01T12:00:00Z') })).toContain(
    'hour: no window: the call began outside of them all',
  );
});

test('a call that is free says why', () => {
  const failed = usedBy({ ...call, status: 'engine_failed', timeToFirstTokenMs: null });
  expect(explainRating(book, failed)).toMatchObject({ amountMicro: 0 });
  expect(linesOf({ status: 'engine_failed', timeToFirstTokenMs: null }).at(-1)).toBe(
    'price: 0: the engine failed before the first token',
  );
});

test('a call without a line has no price', () => {
  const other = bookWith({ model: 'other', perRequest: '1' });
  expect(explainRating(other, usedBy())).toMatchObject({ amountMicro: null });
});

test('a call by tiers is shown in its month: what was before it, its tier, and what the bill rose by', () => {
  const growth = bookWith({
    model: '*',
    perMillionInputTokens: '3',
    monthly: {
      timeZone: 'Europe/Berlin',
      requests: {
        kind: 'graduated',
        included: 5_000,
        tiers: [{ upTo: 1_000, price: '0.02' }, { price: '0.01' }],
      },
    },
  });
  const place = {
    counter: '2026-07#test#1#*',
    shares: [{ measure: 'requests' as const, before: 5_999, used: 1 }],
  };
  const { steps, amountMicro } = explainRating(growth, usedBy({ inputTokens: 1_000 }), place);
  expect(steps.map(({ step, detail }) => `${step}: ${detail}`).slice(2)).toEqual([
    'input tokens: 1000 × 3 a million = 0.003',
    'month: 2026-07 in Europe/Berlin, counted as 2026-07#test#1#*',
    "calls: 1 after 5999 in the month of which 5000 are included, in the tier up to 1000 at 0.02 for 1: the month's bill goes from 19.98 to 20 = 0.02",
    'price: 0.023 credits, 0.003 of them by itself',
  ]);
  expect(amountMicro).toBe(23_000);
});

test('a call by tiers that is not settled is shown with the most that it may cost', () => {
  const growth = bookWith({
    model: '*',
    monthly: { requests: { kind: 'graduated', tiers: [{ price: '0.02' }] } },
  });
  expect(explainRating(growth, usedBy())).toMatchObject({ amountMicro: 20_000 });
});
