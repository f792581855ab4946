import { afterAll, beforeAll, expect, test } from 'vitest';
import { addMicro, micro } from '#core/shared/money.ts';
import { parseMonth } from '#core/statements/periods.ts';
import { readStatement } from '#core/statements/readStatement.ts';
import type { Receipt } from '#core/statements/types.ts';
import { makeCrashPoint } from '#test/builders/crashPoint.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { aGrant, entriesOn } from '#test/builders/ledger.ts';
import { makeBooks, sha256, verify } from '#test/builders/statements.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const at = (text: string): number => Date.parse(`2026-${text}Z`);

let database: TestDatabase;
let books: ReturnType<typeof makeBooks>;
beforeAll(async () => {
  database = await startTestDatabase();
  books = makeBooks(database);
});
afterAll(() => database.stop());

const receiptsIn = (text: string): readonly Receipt[] =>
  text
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line));

const statement = (tenantId: Parameters<typeof readStatement>[1], month: string) => {
  const period = parseMonth(month);
  if (period === undefined) throw new Error(month);
  return readStatement({ book: books.book, sha256 }, tenantId, period);
};

test('a call that settles after its month was issued stands in the next statement, as of its own day', async () => {
  const tenantId = await books.open('late', at('02-27T10:00'));
  await books.settle(tenantId, 'a', [
    [100, at('02-28T23:59:59.999')],
    [200, at('03-01T00:00')],
  ]);
  await books.seal(tenantId, at('03-01T02:00'));
  const issued = await statement(tenantId, '2026-02');
  await books.settle(tenantId, 'b', [
    [400, at('02-28T23:00')],
    [800, at('03-01T09:00')],
  ]);
  await books.seal(tenantId, at('04-01T08:00'));

  expect(issued).toMatchObject({ status: 'issued', openingMicro: 0, closingMicro: 9_999_900 });
  expect(await statement(tenantId, '2026-02')).toEqual(issued);
  const march = await statement(tenantId, '2026-03');
  expect(march).toMatchObject({ status: 'issued', openingMicro: 9_999_900, closingMicro: 9_998_500 });
  expect(march.lines.map(({ day, amountMicro }) => [day, amountMicro])).toEqual([
    ['2026-02-28', -400],
    ['2026-03-01', -1_000],
  ]);
});

test('every entry is in one seal, whenever it was settled, and the seals add up to the account', async () => {
  const tenantId = await books.open('whole', at('03-01T03:00'));
  for (let step = 0; step < 12; step += 1) {
    const nowMs = at('03-01T04:00') + step * 11 * HOUR_MS;
    const late = nowMs - (step % 4) * 17 * HOUR_MS;
    await books.settle(tenantId, `s${step}`, [
      [step, nowMs],
      [10 * step, Math.max(late, at('03-01T03:00'))],
      [7, nowMs],
    ]);
    await books.seal(tenantId, nowMs + 2 * HOUR_MS);
  }
  await books.seal(tenantId, at('04-01T02:00'));
  const text = await books.file(tenantId, '2026-03');
  const entries = entriesOn(await books.ledger.listEntries(tenantId, { limit: 100 }));
  expect(
    receiptsIn(text)
      .map(({ entryId }) => entryId)
      .sort(),
  ).toEqual(entries.map(({ id }) => id).sort());
  const account = await books.ledger.readAccount(tenantId);
  expect((await statement(tenantId, '2026-03')).closingMicro).toBe(
    addMicro(account?.availableMicro ?? micro(0), account?.heldMicro ?? micro(0)),
  );
  expect(await verify(text, at('05-01T00:00'))).toMatchObject({ problems: [], receipts: 37 });
});

test('while a month runs, its statement is what the book says now', async () => {
  const tenantId = await books.open('open', at('02-27T10:00'));
  await books.settle(tenantId, 'a', [
    [100, at('02-28T12:00')],
    [200, at('03-01T12:00')],
  ]);
  expect(await statement(tenantId, '2026-02')).toMatchObject({
    status: 'open',
    openingMicro: 0,
    closingMicro: 9_999_900,
  });
  expect(await statement(tenantId, '2026-03')).toMatchObject({
    openingMicro: 9_999_900,
    closingMicro: 9_999_700,
  });
  await books.seal(tenantId, at('02-28T20:00'));
  expect(await statement(tenantId, '2026-02')).toMatchObject({
    status: 'open',
    openingMicro: 0,
    closingMicro: 9_999_900,
  });
  expect(await statement(tenantId, '2026-03')).toMatchObject({
    openingMicro: 9_999_900,
    closingMicro: 9_999_700,
  });
  expect(await statement(tenantId, '2026-01')).toMatchObject({ openingMicro: 0, closingMicro: 0, lines: [] });
});

test('a crash at any await, and two runs at the same time, leave one chain', async () => {
  const fill = async (body: string) => {
    const tenantId = await books.open(body, at('03-01T01:00'));
    await books.settle(tenantId, body, [
      [5, at('03-01T02:00')],
      [6, at('03-02T08:00')],
    ]);
    return tenantId;
  };
  const nowMs = at('03-02T14:30');
  const crashPoint = makeCrashPoint();
  let calls = 0;
  database.client.middlewareStack.add(crashPoint.middleware, { step: 'initialize', name: 'crash' });
  database.client.middlewareStack.add(
    (next) => (args) => {
      calls += 1;
      return next(args);
    },
    { step: 'initialize', name: 'count' },
  );
  const reference = await fill('crash');
  calls = 0;
  await books.seal(reference, nowMs);
  const awaits = calls;
  expect(awaits).toBeGreaterThan(10);
  for (let atCall = 0; atCall < awaits; atCall += 1) {
    // To die before a call is to die after the one before it.
    const tenantId = await fill(`crash-${atCall}`);
    const sealed = await crashPoint.run({ atCall, side: 'after' }, () => books.seal(tenantId, nowMs));
    expect(sealed).toBeUndefined();
    await Promise.all([books.seal(tenantId, nowMs), books.seal(tenantId, nowMs)]);
    const report = await verify(await books.file(tenantId, '2026-03'), nowMs);
    expect(report).toMatchObject({ receipts: 3, problems: [] });
  }
  database.client.middlewareStack.remove('crash');
  database.client.middlewareStack.remove('count');
});

test('a book that does not add up with its account is not sealed', async () => {
  const tenantId = await books.open('torn', at('03-01T01:00'));
  await books.settle(tenantId, 'torn', [[5, at('03-01T02:00')]]);
  const torn = {
    ...books.book,
    entries: async function* (...args: Parameters<typeof books.book.entries>) {
      for await (const placed of books.book.entries(...args))
        if (placed.entry.kind !== 'charge') yield placed;
    },
  };
  await expect(books.seal(tenantId, at('03-02T08:00'), { book: torn })).rejects.toThrow('does not add up');
  expect(await books.book.lastSeal(tenantId)).toBeUndefined();
});

test('an idle book is sealed once a day, and months partition the seals, leap days too', async () => {
  const tenantId = await books.open('idle', at('01-30T05:00'));
  await books.seal(tenantId, at('03-02T12:00') + DAY_MS);
  const february = await books.book.sealsOfMonth(tenantId, '2026-02');
  expect(february).toHaveLength(28);
  expect(february[0]?.seal.from).toBe('2026-02-01T00:00:00.000Z');
  expect(february.at(-1)?.seal.to).toBe('2026-03-01T00:00:00.000Z');
  expect(parseMonth('2028-02')).toEqual({ fromMs: Date.UTC(2028, 1, 1), toMs: Date.UTC(2028, 2, 1) });
  expect(parseMonth('2026-13')).toBeUndefined();
  await books.ledger.grant(aGrant(tenantId, 'idle-more', { nowMs: at('03-04T01:00') }));
  await books.seal(tenantId, at('03-04T08:00'));
  expect((await statement(tenantId, '2026-03')).closingMicro).toBe(10_001_000);
});

test('a book that is sealed now is proven up to the moment, and goes on from there in one chain', async () => {
  const tenantId = await books.open('now', at('03-01T01:00'));
  await books.settle(tenantId, 'now-a', [[5, at('03-02T08:10')]]);
  const nowMs = at('03-02T08:37:22.123');
  expect(await books.sealNow(tenantId, nowMs)).toBe(2); // the day before, and today so far
  expect(await books.sealNow(tenantId, nowMs)).toBe(0);
  expect(await verify(await books.file(tenantId, '2026-03'), nowMs)).toMatchObject({
    receipts: 2,
    problems: [],
  });

  await books.settle(tenantId, 'now-b', [
    [7, at('03-02T08:36')], // began before the seal, and settles after it
    [11, at('03-02T09:00')],
  ]);
  const open = await statement(tenantId, '2026-03');
  expect(open.lines.reduce((sum, { amountMicro }) => sum + amountMicro, 0)).toBe(10_000_000 - 23);
  await books.seal(tenantId, at('03-03T02:00'));
  const sealed = await statement(tenantId, '2026-03');
  expect(sealed.closingMicro).toBe(10_000_000 - 23);
  const file = await books.file(tenantId, '2026-03');
  expect(await verify(file, at('03-03T02:00'))).toMatchObject({ receipts: 4, problems: [] });
});
