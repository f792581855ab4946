import { growMonths } from '#core/ledger/months.ts';
import { parsePriceBooks } from '#core/pricing/parsePriceBooks.ts';
import { bookByVersion } from '#core/pricing/priceBooks.ts';
import { rateInMonth } from '#core/pricing/rateInMonth.ts';
import { type RatedUsage, rateUsage } from '#core/pricing/rateUsage.ts';
import type { PriceBook } from '#core/pricing/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { aUsageEvent, testId } from '#test/builders/ledger.ts';
import { usedBy } from '#test/builders/prices.ts';

const EVENTS = 200_000;
const ROUNDS = 5;
const MINUTE_MS = 60_000;

const window = (from: string, until: string) => ({
  timeZone: 'Europe/Berlin',
  from,
  until,
  perRequest: '0.0005',
});
const LINE = { model: '*', perRequest: '0.001', perMillionInputTokens: '3', perMillionOutputTokens: '12' };
const since = { version: 1, effectiveFrom: '2020-01-01T00:00:00Z' };
const BOOKS = {
  currency: 'USD',
  usdPerCredit: '1',
  books: [
    { ...since, id: 'plain', prices: [LINE] },
    // Everything that a book can hold, with lines for twenty models and tenants that this one is not.
    {
      ...since,
      id: 'rich',
      prices: [
        ...Array.from({ length: 20 }, (_, n) => ({ ...LINE, model: `model-${n}`, tenants: [`ten_${n}`] })),
        {
          ...LINE,
          perComputeSecond: '0.0004',
          windows: [window('22:00', '06:00'), window('12:00', '14:00')],
        },
      ],
    },
    {
      ...since,
      id: 'tiered',
      prices: [
        {
          model: '*',
          perMillionInputTokens: '3',
          monthly: {
            timeZone: 'Europe/Berlin',
            requests: {
              kind: 'graduated',
              included: 5_000,
              tiers: [{ upTo: 10_000, price: '0.02' }, { price: '0.01' }],
            },
            outputTokens: {
              kind: 'volume',
              per: 1_000_000,
              tiers: [{ upTo: 50_000_000, price: '12' }, { price: '9' }],
            },
          },
        },
      ],
    },
  ],
};

/**
 * Usage events rated in a second on one core, by a plain book, by one with everything that a call alone is priced by,
 * and by one with tiers by month, placed in the month as settlement does; the best of five.
 */
export function measureRating(): {
  readonly plain: number;
  readonly rich: number;
  readonly tiered: number;
} {
  const books = parsePriceBooks(BOOKS);
  if (!books.ok) throw new Error(books.error.message);
  const events = Array.from({ length: EVENTS }, (_, n) =>
    usedBy({
      inputTokens: n % 4_000,
      outputTokens: n % 700,
      computeMs: n % 9_000,
      startedAtMs: Date.UTC(2026, 5, 1) + Math.floor(n / 1_000) * MINUTE_MS,
    }),
  );
  return {
    plain: ratedASecond(books.value, 'plain', events),
    rich: ratedASecond(books.value, 'rich', events),
    tiered: placedASecond(books.value, events),
  };
}

/** Finds the book anew for each event, as settlement does. */
function ratedASecond(books: readonly PriceBook[], id: string, events: readonly RatedUsage[]): number {
  let best = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedMs = performance.now();
    let sum = 0;
    for (const event of events) {
      const book = bookByVersion(books, { id, version: 1 });
      const rated = book === undefined ? undefined : rateUsage(book, event);
      if (rated?.ok !== true) throw new Error('an event was not rated');
      sum += rated.value;
    }
    if (sum === 0) throw new Error('nothing was charged'); // read, so that the engine cannot leave the work out
    best = Math.max(best, (events.length * 1_000) / (performance.now() - startedMs));
  }
  return best;
}

function placedASecond(books: readonly PriceBook[], events: readonly RatedUsage[]): number {
  const usage = aUsageEvent(testId<TenantId>('tenant', 'bench'), 'bench');
  let best = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedMs = performance.now();
    const months = growMonths(new Map());
    let sum = 0;
    for (const event of events) {
      const book = bookByVersion(books, { id: 'tiered', version: 1 });
      const rated = book === undefined ? undefined : rateInMonth(book, event);
      if (rated?.ok !== true) throw new Error('an event was not rated');
      sum += months.place({ event: usage, ...rated.value }).amountMicro;
    }
    if (sum === 0) throw new Error('nothing was charged');
    best = Math.max(best, (events.length * 1_000) / (performance.now() - startedMs));
  }
  return best;
}
