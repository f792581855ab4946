import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parsePriceBooks } from '#core/pricing/parsePriceBooks.ts';
import { bookByVersion, bookInForce } from '#core/pricing/priceBooks.ts';
import { quoteCall } from '#core/pricing/quoteCall.ts';
import { priceOf } from '#core/pricing/ratesOf.ts';
import { rateUsage } from '#core/pricing/rateUsage.ts';
import type { PriceBook } from '#core/pricing/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { loadCreditPacks } from '#io/creditPacks.ts';
import { loadPlans } from '#io/plans.ts';
import { loadPriceBooks } from '#io/priceTables.ts';
import { aTenant } from '#test/builders/tenants.ts';

const TENANT: TenantId = aTenant().id;
const line = (model: string, perRequest = '0.001', input = '3', output = '12') => ({
  model,
  perRequest,
  perMillionInputTokens: input,
  perMillionOutputTokens: output,
});
const fileWith = (books: unknown[]) => ({ currency: 'USD', usdPerCredit: '1', books });
const book = (extra: object = {}) => ({
  id: 'gold',
  version: 1,
  effectiveFrom: '2026-01-01T00:00:00Z',
  prices: [line('*')],
  ...extra,
});

function parsed(...books: unknown[]): readonly PriceBook[] {
  const result = parsePriceBooks(fileWith(books));
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

function only(...books: unknown[]): PriceBook {
  const [first] = parsed(...books);
  if (first === undefined) throw new Error('no book');
  return first;
}

describe('a call is priced', () => {
  const usage = {
    tenantId: TENANT,
    model: 'm',
    startedAtMs: Date.UTC(2026, 5, 1),
    computeMs: 0,
    status: 'succeeded',
    timeToFirstTokenMs: 3,
  } as const;

  test('as per request plus per million input and output tokens', () => {
    expect(rateUsage(only(book()), { ...usage, inputTokens: 1_000_000, outputTokens: 500_000 })).toEqual({
      ok: true,
      value: 1_000 + 3_000_000 + 6_000_000,
    });
  });

  test('with the sum rounded up once', () => {
    const cheap = only(book({ prices: [line('*', '0', '0.4', '0.4')] }));
    expect(rateUsage(cheap, { ...usage, inputTokens: 1, outputTokens: 1 })).toEqual({ ok: true, value: 1 });
    expect(rateUsage(cheap, { ...usage, inputTokens: 5, outputTokens: 0 })).toEqual({ ok: true, value: 2 });
  });

  test('at nothing when the engine failed before the first token, in full once it had begun', () => {
    const failed = { ...usage, status: 'engine_failed', inputTokens: 10, outputTokens: 0 } as const;
    expect(rateUsage(only(book()), { ...failed, timeToFirstTokenMs: null })).toEqual({ ok: true, value: 0 });
    expect(rateUsage(only(book()), failed)).toEqual({ ok: true, value: 1_030 });
  });

  test('by the line of its own model before the line for all', () => {
    const two = only(book({ prices: [line('*', '1'), line('m', '2')] }));
    expect(priceOf(two, usage)?.rates.perRequestMicro).toBe(2_000_000);
    expect(priceOf(two, { ...usage, model: 'other' })?.rates.perRequestMicro).toBe(1_000_000);
  });

  test('never, when no line covers the model', () => {
    const narrow = only(book({ prices: [line('m')] }));
    const refused = { ok: false, error: { code: 'unpriced_model' } };
    expect(quoteCall(narrow, { ...usage, model: 'x' }, { inputTokens: 1, outputTokens: 1 })).toEqual(refused);
    expect(rateUsage(narrow, { ...usage, model: 'x', inputTokens: 1, outputTokens: 1 })).toEqual(refused);
  });
});

describe('the book in force', () => {
  const books = parsed(
    book(),
    book({ version: 2, effectiveFrom: '2026-02-01T00:00:00Z' }),
    book({ version: 3, effectiveFrom: '2026-02-01T00:00:00Z' }),
    book({ id: 'silver' }),
  );
  const at = (time: string) =>
    bookInForce(books, { id: 'gold', tenantId: TENANT, atMs: Date.parse(time) })?.version;

  test('is the latest that has begun, from its very first millisecond', () => {
    expect(at('2026-01-31T23:59:59.999Z')).toBe(1);
    expect(at('2026-02-01T00:00:00Z')).toBe(3);
  });
  test('is none before the first begins, nor for an unknown id', () => {
    expect(at('2025-12-31T23:59:59.999Z')).toBeUndefined();
    expect(
      bookInForce(books, { id: 'bronze', tenantId: TENANT, atMs: Date.UTC(2027, 0, 1) }),
    ).toBeUndefined();
  });
  test('can be found again by its version after it was replaced', () => {
    expect(bookByVersion(books, { id: 'gold', version: 1 })?.effectiveFromMs).toBe(Date.UTC(2026, 0, 1));
    expect(bookByVersion(books, { id: 'gold', version: 9 })).toBeUndefined();
  });
});

describe('a price-books file is refused', () => {
  test.each([
    ['no object', 7, 'the file must be an object'],
    ['no books', fileWith([]), 'books must have at least 1 items'],
    [
      'a price as a number',
      fileWith([book({ prices: [{ ...line('*'), perRequest: 1 }] })]),
      'books[0].prices[0].perRequest must be a string',
    ],
    [
      'a negative price',
      fileWith([book({ prices: [line('*', '-1')] })]),
      'books[0].prices[0].perRequest must be a decimal string',
    ],
    [
      'seven decimals',
      fileWith([book({ prices: [line('*', '0', '0.0000001')] })]),
      'books[0].prices[0].perMillionInputTokens must be a decimal',
    ],
    [
      'a day without time',
      fileWith([book({ effectiveFrom: '2026-01-01' })]),
      'books[0].effectiveFrom must be a time such as',
    ],
    ['a misspelt field', fileWith([book({ price: 1 })]), 'books[0].price is not known here'],
    ['the same version twice', fileWith([book(), book()]), 'books[1] repeats gold version 1'],
    [
      'the same model twice for one tenant',
      fileWith([
        book({
          prices: [
            { ...line('m'), tenants: ['ten_1'] },
            { ...line('m'), tenants: ['ten_1'] },
          ],
        }),
      ]),
      'books[0].prices[1] repeats the model m for ten_1: keep one line',
    ],
    [
      'a price by the thousand and by the million',
      fileWith([book({ prices: [{ ...line('m'), perThousandOutputTokens: '0.1' }] })]),
      'books[0].prices[0].perThousandOutputTokens says again what perMillionOutputTokens says: keep one',
    ],
    [
      'a line without a price',
      fileWith([book({ prices: [{ model: 'm' }] })]),
      'books[0].prices[0] has no price: give perRequest',
    ],
    [
      'no such time zone',
      fileWith([
        book({
          prices: [
            {
              ...line('m'),
              windows: [{ timeZone: 'Europe/Berlun', from: '22:00', until: '06:00', perRequest: '1' }],
            },
          ],
        }),
      ]),
      'books[0].prices[0].windows[0].timeZone must be an IANA time zone such as "Europe/Berlin"',
    ],
    [
      'a time of day that no clock shows',
      fileWith([
        book({
          prices: [
            { ...line('m'), windows: [{ timeZone: 'UTC', from: '24:00', until: '06:00', perRequest: '1' }] },
          ],
        }),
      ]),
      'books[0].prices[0].windows[0].from must be a time of day such as "22:00"',
    ],
    [
      'a window without length',
      fileWith([
        book({
          prices: [
            { ...line('m'), windows: [{ timeZone: 'UTC', from: '06:00', until: '06:00', perRequest: '1' }] },
          ],
        }),
      ]),
      'books[0].prices[0].windows[0].until must differ from "from"',
    ],
    [
      'neither prices nor an experiment',
      fileWith([book({ prices: undefined })]),
      'books[0] must have either prices or an experiment',
    ],
    [
      'an experiment with an unknown book',
      fileWith([
        book(),
        book({
          id: 'ab',
          prices: undefined,
          experiment: {
            id: 'x',
            arms: [
              { book: 'gold', weight: 1 },
              { book: 'silver', weight: 1 },
            ],
          },
        }),
      ]),
      'books[1].experiment.arms[1].book must be a book in force from 2026-01-01T00:00:00Z on: silver is not',
    ],
    [
      'an experiment within an experiment',
      fileWith([
        book(),
        book({
          id: 'ab',
          prices: undefined,
          experiment: {
            id: 'x',
            arms: [
              { book: 'gold', weight: 1 },
              { book: 'ab', weight: 1 },
            ],
          },
        }),
      ]),
      'books[1].experiment.arms[1].book must be a book with prices: ab is an experiment itself',
    ],
    [
      'the same model twice',
      fileWith([book({ prices: [line('m'), line('m')] })]),
      'books[0].prices[1] repeats the model m',
    ],
  ])('that has %s, naming the place and the mend', (_, file, message) => {
    const result = parsePriceBooks(file);
    expect(result.ok ? '' : result.error.message).toContain(message);
  });
});

test('the price books of the layer can be read, and have what each model needs', () => {
  const books = loadPriceBooks({ TUNEGATE_PRICE_TABLES_DIR: 'layers/price-tables' }, parsePriceBooks);
  const file = JSON.parse(readFileSync('layers/price-tables/price-books.json', 'utf8'));
  expect(books.map((b) => b.id)).toEqual(file.books.map((b: { id: string }) => b.id));
  for (const b of books) expect(priceOf(b, { tenantId: TENANT, model: 'any-model' })).toBeDefined();
});

test.each([
  ['price-books.json', (env: Env) => loadPriceBooks(env, parsePriceBooks)],
  ['plans.json', loadPlans],
  ['credit-packs.json', loadCreditPacks],
])('a table with a key twice, or that is no JSON, is refused with its file: %s', (name, load) => {
  const folder = mkdtempSync(join(tmpdir(), 'tunegate-tables-'));
  const env = { TUNEGATE_PRICE_TABLES_DIR: folder };
  try {
    writeFileSync(join(folder, name), '{"currency": "USD", "currency": "EUR"}');
    expect(() => load(env)).toThrow(`${join(folder, name)} cannot be read: currency is given twice`);
    writeFileSync(join(folder, name), 'books: []');
    expect(() => load(env)).toThrow(`${join(folder, name)} cannot be read`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
type Env = Readonly<Record<string, string | undefined>>;

test('a missing price table names the file', () => {
  expect(() => loadPriceBooks({ TUNEGATE_PRICE_TABLES_DIR: '/nowhere' }, parsePriceBooks)).toThrow(
    '/nowhere/price-books.json cannot be read',
  );
});
