import { growMonths } from '#core/ledger/months.ts';
import { parsePriceBooks } from '#core/pricing/parsePriceBooks.ts';
import { bookByVersion, bookInForce } from '#core/pricing/priceBooks.ts';
import { rateInMonth } from '#core/pricing/rateInMonth.ts';
import type { RatedUsage } from '#core/pricing/rateUsage.ts';
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
const TENANT = testId<TenantId>('tenant', 'bench');
const TENANTS = Array.from({ length: 50 }, (_, n) => testId<TenantId>('tenant', `bench${n}`));
/** Fifty, each cheaper than the one before. */
const manyTiers = (kind: 'graduated' | 'volume', per: number) => ({
  kind,
  per,
  included: 1_000,
  tiers: Array.from({ length: 50 }, (_, n) => ({
    ...(n === 49 ? {} : { upTo: (n + 1) * 4_000 * Math.max(1, per / 10_000) }),
    price: `${100 - n}.000001`,
  })),
});
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
    // As many tiers as a plan may have, of every measure.
    {
      ...since,
      id: 'fifty-tiers',
      prices: [
        {
          model: '*',
          monthly: {
            timeZone: 'America/New_York',
            requests: manyTiers('graduated', 1),
            inputTokens: manyTiers('graduated', 1_000_000),
            outputTokens: manyTiers('volume', 1_000_000),
            computeSeconds: manyTiers('graduated', 1),
          },
        },
      ],
    },
    {
      ...since,
      id: 'trial',
      experiment: {
        id: 'spring',
        arms: ['plain', 'rich', 'tiered'].map((book) => ({ book, weight: 1 })),
      },
    },
  ],
};

type FindBook = (books: readonly PriceBook[], event: RatedUsage) => PriceBook | undefined;
/** As settlement does: by the version that the event names. */
const named =
  (id: string): FindBook =>
  (books) =>
    bookByVersion(books, { id, version: 1 });
/** As a call does: by the arm that its tenant is in. */
const byArm: FindBook = (books, { tenantId, startedAtMs: atMs }) =>
  bookInForce(books, { id: 'trial', tenantId, atMs });

/**
 * Usage events rated in a second on one core, each with its book found and placed in its month as settlement does; the
 * best of five. By every kind of price that a book can hold, with calls as they come in or spread over a month at random.
 */
export function measureRating(): Readonly<Record<string, number>> {
  const books = parsePriceBooks(BOOKS);
  if (!books.ok) throw new Error(books.error.message);
  const inOrder = Array.from({ length: EVENTS }, (_, n) => eventAt(n, Math.floor(n / 1_000) * MINUTE_MS));
  const spread = Array.from({ length: EVENTS }, (_, n) =>
    eventAt(n, ((n * 48_271) % MONTH_MINUTES) * MINUTE_MS),
  );
  const rate = (find: FindBook, events: readonly RatedUsage[]) => ratedASecond(books.value, find, events);
  return {
    'by a plain book': rate(named('plain'), inOrder),
    'by one with hours and twenty tenants': rate(named('rich'), inOrder),
    'by the same, calls spread over a month': rate(named('rich'), spread),
    'by tiers of a month': rate(named('tiered'), inOrder),
    'by fifty tiers of each measure': rate(named('fifty-tiers'), spread),
    'by an experiment among three books': rate(byArm, inOrder),
  };
}

const MONTH_MINUTES = 30 * 24 * 60;

const eventAt = (n: number, afterMs: number): RatedUsage =>
  usedBy({
    tenantId: TENANTS[n % TENANTS.length] ?? TENANT,
    inputTokens: n % 4_000,
    outputTokens: n % 700,
    computeMs: n % 9_000,
    startedAtMs: Date.UTC(2026, 5, 1) + afterMs,
  });

function ratedASecond(books: readonly PriceBook[], find: FindBook, events: readonly RatedUsage[]): number {
  const usage = aUsageEvent(TENANT, 'bench');
  let best = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedMs = performance.now();
    const months = growMonths(new Map());
    let sum = 0;
    for (const event of events) {
      const book = find(books, event);
      const rated = book === undefined ? undefined : rateInMonth(book, event);
      if (rated?.ok !== true) throw new Error('an event was not rated');
      sum += months.place({ event: usage, ...rated.value }).amountMicro;
    }
    if (sum === 0) throw new Error('nothing was charged'); // read, so that the engine cannot leave the work out
    best = Math.max(best, (events.length * 1_000) / (performance.now() - startedMs));
  }
  return best;
}
