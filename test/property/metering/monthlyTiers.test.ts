import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, expect } from 'vitest';
import { settleUsage } from '#core/metering/settleUsage.ts';
import type { UsageEvent } from '#core/metering/types.ts';
import { bookByVersion } from '#core/pricing/priceBooks.ts';
import { quoteCall } from '#core/pricing/quoteCall.ts';
import type { PriceBook } from '#core/pricing/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeCrashPoint } from '#test/builders/crashPoint.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { aGrant, aHold, aUsageEvent, testId } from '#test/builders/ledger.ts';
import { readBook } from '#test/builders/ledgerOracle.ts';
import { booksOf, fixedBooks } from '#test/builders/prices.ts';
import { runs } from '#test/builders/runs.ts';

const EVENTS = 12;
/** In Berlin the new year begins an hour before it does in UTC. */
const NEW_YEAR_MS = Date.parse('2026-12-31T23:00:00Z');

let database: TestDatabase;
let tenants = 0;
const crashes = makeCrashPoint();
beforeAll(async () => {
  database = await startTestDatabase();
  database.client.middlewareStack.add(crashes.middleware, { step: 'initialize' });
});
afterAll(() => database.stop());

type Tiers = {
  readonly kind: 'graduated' | 'volume';
  readonly included: number;
  readonly per: number;
  readonly tiers: readonly { readonly upTo?: number; readonly price: string }[];
};

/** Tiers as they are written, with odd prices, so that nothing divides evenly. */
const tiersOf = (per: number, furthest: number): fc.Arbitrary<Tiers> =>
  fc
    .record({
      kind: fc.constantFrom('graduated' as const, 'volume' as const),
      included: fc.nat({ max: furthest }),
      prices: fc.array(fc.nat({ max: 5_000 }), { minLength: 1, maxLength: 3 }),
      length: fc.integer({ min: 1, max: furthest }),
    })
    .map(({ kind, included, prices, length }) => {
      const ordered = kind === 'volume' ? prices.toSorted((a, b) => b - a) : prices;
      const tiers = ordered.map((price, n) => ({
        ...(n === ordered.length - 1 ? {} : { upTo: (n + 1) * length }),
        price: `0.${String(price).padStart(6, '0')}`,
      }));
      return { kind, included, per, tiers };
    });

const history = fc.record({
  requests: tiersOf(1, 4),
  tokens: tiersOf(7, 60),
  calls: fc.array(
    fc.record({
      outputTokens: fc.nat({ max: 40 }),
      beforeNewYear: fc.boolean(),
      model: fc.constantFrom('support', 'sales'),
      failed: fc.constantFrom(false, false, false, true),
      version: fc.constantFrom(1, 1, 2, 3),
    }),
    { minLength: EVENTS, maxLength: EVENTS },
  ),
  // Groups of settlers that work at once, each with a batch of events; later ones repeat what earlier ones did. In a group's midst all of
  // them may die.
  groups: fc.array(
    fc.record({
      batches: fc.array(fc.array(fc.nat({ max: EVENTS - 1 }), { minLength: 1, maxLength: 6 }), {
        minLength: 1,
        maxLength: 3,
      }),
      crash: fc.option(
        fc.record({ atCall: fc.nat({ max: 6 }), side: fc.constantFrom('before' as const, 'after' as const) }),
        { nil: undefined },
      ),
    }),
    { maxLength: 3 },
  ),
});

/** The price of the tier that the n-th billable unit of a month is in, in µcr. */
const priceOfUnit = ({ tiers }: Tiers, n: number): bigint =>
  BigInt((tiers.find(({ upTo }) => upTo === undefined || n <= upTo)?.price ?? '').slice(2));

/** A month's bill worked out unit by unit in exact fractions, rounded up: another way than the product's. */
function independentBill(plan: Tiers, quantity: number): bigint {
  const billable = Math.max(0, quantity - plan.included);
  if (billable === 0) return 0n;
  const upTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1);
  const graduated = () => upTo(billable).reduce((sum, unit) => sum + priceOfUnit(plan, unit), 0n);
  const byVolume = () => {
    const furthest = plan.tiers.length * 60 + billable;
    const totals = upTo(furthest).map((total) => priceOfUnit(plan, total) * BigInt(total));
    const [least = 0n] = totals.slice(billable - 1).sort((one, other) => (one < other ? -1 : 1));
    return least;
  };
  const exact = plan.kind === 'graduated' ? graduated() : byVolume();
  const per = BigInt(plan.per);
  return exact / per + (exact % per === 0n ? 0n : 1n);
}

async function openTenant(
  books: readonly PriceBook[],
  events: (tenantId: TenantId) => readonly UsageEvent[],
) {
  tenants += 1;
  const tenantId = testId<TenantId>('tenant', `m${tenants}`);
  const ledger = makeLedgerStore(database.client, `${database.prefix}ledger`);
  const calls = events(tenantId);
  await ledger.openAccount(tenantId, micro(0));
  const quotes = calls.map((event) => {
    const book = bookByVersion(books, event.priceBook);
    if (book === undefined) throw new Error('a call names a version that is not there');
    const quote = quoteCall(book, event, {
      inputTokens: event.inputTokens,
      outputTokens: event.outputTokens,
    });
    if (!quote.ok) throw new Error(quote.error.code);
    return quote.value;
  });
  // Every credit is held: a charge above its quote would leave a shortfall.
  const amountMicro = micro(quotes.reduce((sum, quote) => sum + quote, 1));
  await ledger.grant(aGrant(tenantId, `m${tenants}`, { amountMicro }));
  for (const [n, { holdId }] of calls.entries()) {
    await ledger.placeHold({ ...aHold(tenantId, 'any'), holdId, amountMicro: quotes[n] ?? micro(0) });
  }
  return { tenantId, ledger, calls, quotes, amountMicro };
}

test.prop([history], runs(15))(
  'a month is billed by its total, however its events are split, repeated, late or settled at once, whoever dies',
  async ({ requests, tokens, calls: drawn, groups }) => {
    const timeZone = 'Europe/Berlin';
    // The second version has another price of its own and the same tiers, the third has other tiers.
    const other = { ...requests, included: requests.included + 1 };
    const books = [
      { perMillionInputTokens: '0.3', requests },
      { perMillionInputTokens: '0.9', requests },
      { perMillionInputTokens: '0.3', requests: other },
    ].flatMap(({ requests: plan, ...own }, n) =>
      booksOf({
        id: 'test',
        version: n + 1,
        effectiveFrom: '2020-01-01T00:00:00Z',
        prices: [
          { model: '*', ...own, monthly: { timeZone, requests: plan, outputTokens: tokens } },
          { model: 'sales', perRequest: '0.000011', monthly: { timeZone, outputTokens: tokens } },
        ],
      }),
    );
    const { tenantId, ledger, calls, quotes, amountMicro } = await openTenant(books, (tenant) =>
      drawn.map(({ failed, beforeNewYear, version, ...call }, n) =>
        aUsageEvent(tenant, `${tenant.slice(4)}-${n}`, {
          ...call,
          priceBook: { id: 'test', version },
          startedAtMs: NEW_YEAR_MS + (beforeNewYear ? -1 : n),
          ...(failed ? { status: 'engine_failed' as const, timeToFirstTokenMs: null } : {}),
        }),
      ),
    );
    const settle = (picks: readonly number[]) =>
      settleUsage(
        { ledger, books: fixedBooks(books) },
        picks.map((pick, n) => ({ id: `${n}`, body: JSON.stringify(calls[pick]) })),
      );
    for (const { batches, crash } of groups)
      await crashes.run<unknown>(crash, () => Promise.all(batches.map(settle)));
    await settle(calls.map((_, n) => n));

    let expected = 0n;
    for (const isNew of [false, true]) {
      const charged = calls.filter(
        (call) => call.startedAtMs >= NEW_YEAR_MS === isNew && call.timeToFirstTokenMs !== null,
      );
      const tokensOf = (month: readonly UsageEvent[]) =>
        month.reduce((sum, { outputTokens }) => sum + outputTokens, 0);
      const sales = charged.filter(({ model }) => model === 'sales');
      // The line of `sales` has the same tiers in all versions.
      expected += independentBill(tokens, tokensOf(sales)) + BigInt(sales.length) * 11n;
      for (const [versions, plan] of [
        [[1, 2], requests],
        [[3], other],
      ] as const) {
        const month = charged.filter(
          ({ model, priceBook }) => model === 'support' && versions.some((one) => one === priceBook.version),
        );
        expected += independentBill(tokens, tokensOf(month)) + independentBill(plan, month.length);
        // 20 tokens of each prompt at 0.3 or 0.9 µcr, rounded up call by call.
        expected += month.reduce((sum, { priceBook }) => sum + (priceBook.version === 2 ? 18n : 6n), 0n);
      }
    }
    expect(await ledger.readAccount(tenantId)).toMatchObject({
      availableMicro: amountMicro - Number(expected),
      heldMicro: 0,
    });
    const listed = await ledger.listEntries(tenantId, { limit: 100, kind: 'charge' });
    const entries = listed.ok ? listed.value.entries : [];
    expect(entries).toHaveLength(EVENTS);
    for (const { usage, amountMicro: charged, shortfallMicro } of entries) {
      expect(shortfallMicro).toBeUndefined();
      expect(-charged).toBeLessThanOrEqual(quotes[calls.findIndex(({ id }) => id === usage?.id)] ?? -1);
    }
    expect((await readBook(database, tenantId)).violations).toEqual([]);
  },
);
