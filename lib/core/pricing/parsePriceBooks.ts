import * as z from 'zod/mini';
import { describeIssue } from '#core/shared/describeIssue.ts';
import { type MicroCredits, parseCredits } from '#core/shared/money.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { PriceBook } from './types.ts';

/** A price-books file that cannot be used. `message` names the place and what to write there. */
export type BadPriceBooks = { readonly code: 'invalid_price_books'; readonly message: string };

/** The highest price of one request or of a million tokens, in credits; it keeps every amount far from overflow. */
const MAX_PRICE_CREDITS = '1000000';
const MAX_PRICE_MICRO = Number(MAX_PRICE_CREDITS) * 1_000_000;

const UTC_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z$/;

const priceField = z.string().check(
  z.refine((text) => isPrice(text), {
    error: `must be a decimal string of credits from "0" to "${MAX_PRICE_CREDITS}" with at most six decimals, such as "0.005"`,
  }),
);

const PriceLine = z.strictObject({
  model: z.string().check(z.minLength(1), z.maxLength(200)),
  perRequest: priceField,
  perMillionInputTokens: priceField,
  perMillionOutputTokens: priceField,
});

const Book = z.strictObject({
  id: z
    .string()
    .check(z.regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be lower-case letters, digits and hyphens')),
  version: z.int().check(z.positive()),
  effectiveFrom: z
    .string()
    .check(z.refine((text) => isUtcTime(text), { error: 'must be a time such as 2026-01-31T00:00:00Z' })),
  prices: z.array(PriceLine).check(z.minLength(1)),
});

const PriceBooksFile = z.strictObject({
  /** What one credit is worth, for the agency's own arithmetic; rating never reads it. */
  currency: z.string(),
  usdPerCredit: z.string(),
  books: z.array(Book).check(z.minLength(1)),
});

/** Reads the parsed JSON of a price-books file. Errors: invalid_price_books, with the place and what to write there. */
export function parsePriceBooks(file: unknown): Result<readonly PriceBook[], BadPriceBooks> {
  const parsed = z.safeParse(PriceBooksFile, file);
  if (!parsed.success) {
    const issue = describeIssue(parsed.error);
    return bad(`${issue.path === '' ? 'the file' : issue.path} ${issue.message}`);
  }
  const repeated = findRepetition(parsed.data.books);
  return repeated === undefined ? ok(parsed.data.books.map(toBook)) : bad(repeated);
}

const bad = (message: string) => err({ code: 'invalid_price_books' as const, message });

function findRepetition(books: readonly z.infer<typeof Book>[]): string | undefined {
  const versions = new Set<string>();
  for (const [index, book] of books.entries()) {
    const version = `${book.id} version ${book.version}`;
    if (versions.has(version)) return `books[${index}] repeats ${version}: give a change a new version`;
    versions.add(version);
    const models = book.prices.map((line) => line.model);
    const twice = models.findIndex((model, at) => models.indexOf(model) !== at);
    if (twice >= 0)
      return `books[${index}].prices[${twice}] repeats the model ${models[twice]}: keep one line`;
  }
  return undefined;
}

const toBook = (book: z.infer<typeof Book>): PriceBook => ({
  id: book.id,
  version: book.version,
  effectiveFromMs: Date.parse(book.effectiveFrom),
  prices: book.prices.map((line) => ({
    model: line.model,
    perRequestMicro: priceIn(line.perRequest),
    perMillionInputTokensMicro: priceIn(line.perMillionInputTokens),
    perMillionOutputTokensMicro: priceIn(line.perMillionOutputTokens),
  })),
});

/** By hand, because the schema library's own check weighs more than everything else here in a bundle. */
const isUtcTime = (text: string): boolean => UTC_TIME.test(text) && !Number.isNaN(Date.parse(text));

const isPrice = (text: string): boolean => {
  const amount = parseCredits(text);
  return amount !== undefined && amount >= 0 && amount <= MAX_PRICE_MICRO;
};

function priceIn(text: string): MicroCredits {
  const amount = parseCredits(text);
  if (amount === undefined) throw new Error('a price passed the schema that is not an amount');
  return amount;
}
