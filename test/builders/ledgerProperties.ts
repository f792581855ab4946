import * as fc from 'fast-check';
import { expect } from 'vitest';
import type { TenantId } from '#core/shared/ids.ts';
import { ZERO } from '#core/shared/money.ts';
import type { Patience } from '#io/dynamodb/ledgerRetry.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import type { TestDatabase } from './database.ts';
import { Crash, type Fault, makeFaultyClient } from './faultyClient.ts';
import { testId } from './ledger.ts';
import { anyOperation, faultsOf, momentOf, openingMoves, type Planned } from './ledgerHistories.ts';
import { emptyBook, type ModelBook, runOn, stepsOf } from './ledgerModel.ts';
import { diedIn, outcomesOf, readBook, seenAt } from './ledgerOracle.ts';

/** An operation may die as often as it has requests, and is then delivered again. */
const MAX_DELIVERIES = 8;
const WRITERS = 3;
/** After every history. */
const LATER_MS = momentOf(12);

// Nobody waits: contention is over as soon as the other writer's request is answered.
const impatient: Patience = { sleep: () => new Promise((resolve) => setImmediate(resolve)), random: () => 0 };

let tenants = 0;
const newTenant = (): TenantId => {
  tenants += 1;
  return testId<TenantId>('tenant', `${process.pid}-${tenants}`);
};

const mostly = fc.constantFrom(true, true, true, false);

// As long as they may be as often as short: fast-check alone would draw mostly short ones.
const size = 'max';

const sequentialHistory = fc.record({
  opened: mostly,
  moves: fc.array(
    fc.record({
      planned: anyOperation,
      faults: faultsOf(['crash_before', 'crash_after', 'conflict', 'throttled']),
    }),
    { minLength: 1, maxLength: 6, size },
  ),
});

/** One writer after the other, each request of which may fail, and each operation that died delivered again. */
export const sequentialProperty = (database: TestDatabase) =>
  fc.asyncProperty(sequentialHistory, async ({ opened, moves }) => {
    const tenant = newTenant();
    const faulty = makeFaultyClient(database.client);
    const ledger = makeLedgerStore(faulty.client, `${database.prefix}ledger`, impatient);
    await ledger.openAccount(tenant, ZERO);
    let books: readonly ModelBook[] = [emptyBook(tenant)];
    for (const [n, { plan, faults }] of [...openingOf(opened), ...moves.map(unwrap)].entries()) {
      const operation = plan(tenant, momentOf(n));
      faulty.arm(faults);
      const step = stepsOf(operation);
      let outcome = await runOn(ledger, tenant, operation).catch(onlyCrashes);
      for (let deliveries = 1; outcome === undefined && deliveries < MAX_DELIVERIES; deliveries++) {
        books = diedIn(books, step);
        outcome = await runOn(ledger, tenant, operation).catch(onlyCrashes);
      }
      books = outcomesOf(books, [{ step, observed: outcome }]);
      expect(books, `no course of steps explains ${operation.op}: ${outcome}`).not.toHaveLength(0);
    }
    faulty.arm({});
    await expectOneOf(database, tenant, books);
  });

const concurrentHistory = fc.record({
  opened: mostly,
  groups: fc.array(
    fc.array(fc.record({ planned: anyOperation, faults: faultsOf(['conflict', 'throttled']) }), {
      minLength: 2,
      maxLength: WRITERS,
      size,
    }),
    { minLength: 1, maxLength: 3, size },
  ),
});

/** Several writers at once, group after group: some order of each group's steps must explain all that was seen. */
export const concurrentProperty = (database: TestDatabase) =>
  fc.asyncProperty(concurrentHistory, async ({ opened, groups }) => {
    const tenant = newTenant();
    const writers = Array.from({ length: WRITERS }, () => {
      const faulty = makeFaultyClient(database.client);
      return { faulty, ledger: makeLedgerStore(faulty.client, `${database.prefix}ledger`, impatient) };
    });
    await makeLedgerStore(database.client, `${database.prefix}ledger`).openAccount(tenant, ZERO);
    let books: readonly ModelBook[] = [emptyBook(tenant)];
    const opening = openingOf(opened).map((move) => [move]);
    for (const [n, group] of [...opening, ...groups.map((group) => group.map(unwrap))].entries()) {
      const running = group.flatMap(({ plan, faults }, index) => {
        const writer = writers[index];
        if (writer === undefined) return [];
        const operation = plan(tenant, momentOf(n));
        writer.faulty.arm(faults);
        return [{ operation, outcome: runOn(writer.ledger, tenant, operation) }];
      });
      const observed = await Promise.all(running.map(({ outcome }) => outcome));
      books = outcomesOf(
        books,
        running.map(({ operation }, index) => ({ step: stepsOf(operation), observed: observed[index] })),
      );
      const names = running.map(({ operation }) => operation.op).join();
      expect(books, `no order of ${names} explains ${observed.join(' | ')}`).not.toHaveLength(0);
    }
    await expectOneOf(database, tenant, books);
  });

type Move = { readonly plan: Planned; readonly faults: Readonly<Record<number, Fault>> };

const openingOf = (opened: boolean): readonly Move[] =>
  opened ? openingMoves.map((plan) => ({ plan, faults: {} })) : [];

const unwrap = (move: {
  readonly planned: { readonly plan: Planned };
  readonly faults: Move['faults'];
}): Move => ({ plan: move.planned.plan, faults: move.faults });

function onlyCrashes(error: unknown): undefined {
  if (!(error instanceof Crash)) throw error;
  return undefined;
}

async function expectOneOf(database: TestDatabase, tenant: TenantId, books: readonly ModelBook[]) {
  const stored = await readBook(database, tenant, LATER_MS);
  expect(stored.violations).toEqual([]);
  expect(books.map((book) => seenAt(book, LATER_MS))).toContain(stored.seen);
}

/** Checks a property with several examples at a time, which is as fast as the database answers. */
export async function checkInLanes<T>(
  property: () => fc.IAsyncProperty<T>,
  numRuns: number,
  lanes = 4,
): Promise<void> {
  const perLane = Math.ceil(numRuns / lanes);
  await Promise.all(
    Array.from({ length: lanes }, (_, lane) => fc.assert(property(), { numRuns: perLane, ...seedOf(lane) })),
  );
}

/** Where a seed is given, every lane has its own, or all would draw the same. */
function seedOf(lane: number): { readonly seed?: number } {
  const { seed } = fc.readConfigureGlobal();
  return seed === undefined ? {} : { seed: seed + lane };
}
