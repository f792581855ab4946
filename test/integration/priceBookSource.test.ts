import { afterAll, beforeEach, expect, test } from 'vitest';
import { bookInForce } from '#core/pricing/priceBooks.ts';
import { publishBook } from '#core/pricing/publishBook.ts';
import type { PriceBook } from '#core/pricing/types.ts';
import { makePriceBookSource } from '#io/dynamodb/priceBookSource.ts';
import { makePriceBookStore } from '#io/dynamodb/priceBookStore.ts';
import { systemWorld } from '#io/world.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { booksOf } from '#test/builders/prices.ts';

const START_MS = Date.UTC(2026, 5, 1);
const SEEDS = booksOf({
  id: 'a',
  version: 1,
  effectiveFrom: '2020-01-01T00:00:00Z',
  prices: [{ model: '*', perRequest: '1' }],
});
const ACT = { actor: 'ann', reason: 'test' };

let database: TestDatabase | undefined;
beforeEach(async () => {
  await database?.stop();
  database = await startTestDatabase();
});
afterAll(() => database?.stop());

/** A publisher and a function that is warm already, each with its own clock, and what reached the database. */
async function makeParts() {
  if (database === undefined) throw new Error('no database');
  const { client, prefix } = database;
  const table = `${prefix}directory`;
  const now = { publisher: START_MS, warm: START_MS };
  const operations: string[] = [];
  let fails = false;
  client.middlewareStack.add(
    (next, context) => (args) => {
      operations.push(String(context.commandName));
      if (fails) throw new Error('the database is away');
      return next(args);
    },
    { step: 'initialize' },
  );
  const store = makePriceBookStore(client, table);
  const source = makePriceBookSource(client, table, { seeds: SEEDS, clock: () => now.publisher });
  const warm = makePriceBookSource(client, table, { seeds: SEEDS, clock: () => now.warm });
  await warm.current();
  const deps = { world: { ...systemWorld, clock: () => now.publisher }, store, source };
  const publish = async (version: number) => {
    const draft = { id: 'a', version, lines: { prices: [{ model: '*', perRequest: String(version) }] } };
    const audit = {
      id: `aud_${version}`,
      atMs: START_MS,
      action: 'test',
      tenantId: null,
      details: {},
      ...ACT,
    };
    await store.createDraft({ ...draft, effectiveFromMs: null, changedAtMs: START_MS }, audit);
    const published = await publishBook(deps, { id: 'a', version, effectiveFromMs: undefined, act: ACT });
    if (!published.ok || published.value.effectiveFromMs === null) throw new Error('not published');
    return published.value.effectiveFromMs;
  };
  const breakDatabase = (now: boolean) => {
    fails = now;
  };
  return { now, operations, warm, publish, breakDatabase };
}

const versionAt = (books: readonly PriceBook[], atMs: number) =>
  bookInForce(books, { id: 'a', tenantId: 'ten_a', atMs })?.version;

test.each([1, 7, 29, 31, 200])(
  'a function that is called every %s seconds never prices a call by a book that is not in force',
  async (seconds) => {
    const { now, warm, publish } = await makeParts();
    now.warm += 1_000; // its copy is as old as can be when the book is published
    const beginsMs = await publish(2);
    for (let called = 0; called < 240; called += seconds) {
      const books = await warm.current();
      expect(versionAt(books, now.warm)).toBe(now.warm >= beginsMs ? 2 : 1);
      now.warm += seconds * 1_000;
    }
  },
);

test('of calls one after the other, few ask the table, for one small item, and none while the copy is fresh', async () => {
  const { now, warm, operations } = await makeParts();
  operations.length = 0;
  for (let second = 0; second < 60; second += 1) {
    now.warm += 1_000;
    await warm.current();
  }
  expect(new Set(operations)).toEqual(new Set(['GetItemCommand']));
  expect(operations.length).toBeLessThanOrEqual(6);
});

test('a book that was published since is found by who needs it', async () => {
  const { warm, publish } = await makeParts();
  await publish(2);
  expect((await warm.current()).map(({ version }) => version)).toEqual([1]);
  expect((await warm.newest()).map(({ version }) => version)).toEqual([1, 2]);
});

test('a database that is away is not asked for what is fresh enough, and then no call is priced by what may be old', async () => {
  const { now, warm, breakDatabase } = await makeParts();
  breakDatabase(true);
  now.warm += 20_000;
  expect(await warm.current()).toHaveLength(1);
  now.warm += 20_000;
  await expect(warm.current()).rejects.toThrow('away');
  breakDatabase(false);
  expect(await warm.current()).toHaveLength(1);
});

test('two publications at once are one after the other', async () => {
  const { warm, publish } = await makeParts();
  await Promise.all([publish(2), publish(3)]);
  expect((await warm.newest()).map(({ version }) => version)).toEqual([1, 2, 3]);
});
