import * as z from 'zod/mini';
import { describeIssue } from '#core/shared/describeIssue.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { KeptBook } from './ports.ts';
import { type BookLines, type BookText, PriceBooksFile } from './priceBooksFile.ts';
import { toPrice } from './toPrice.ts';
import type { PriceBook } from './types.ts';

/** A price-books file that cannot be used. `message` names the place and what to write there. */
export type BadPriceBooks = { readonly code: 'invalid_price_books'; readonly message: string };

/**
 * Reads a price-books file that `parsePriceBooks` has accepted before, checking each field for itself. For the chat
 * function, whose bundle has no room for more. Errors: invalid_price_books.
 */
export function readPriceBooks(file: unknown): Result<readonly PriceBook[], BadPriceBooks> {
  const books = readBookTexts(file);
  return books.ok ? ok(books.value.map(toBook)) : books;
}

/** The books as they are written, each field checked for itself. */
export function readBookTexts(file: unknown): Result<readonly BookText[], BadPriceBooks> {
  const parsed = z.safeParse(PriceBooksFile, file, { reportInput: true });
  if (parsed.success) return ok(parsed.data.books);
  const { path, message } = describeIssue(parsed.error);
  return err({ code: 'invalid_price_books', message: `${path === '' ? 'the file' : path} ${message}` });
}

export const toBook = ({ id, version, effectiveFrom, ...lines }: BookText): PriceBook =>
  bookOf({ id, version, effectiveFromMs: Date.parse(effectiveFrom) }, lines);

/** A version of a book as it is rated by. */
export const bookOf = (
  named: Pick<PriceBook, 'id' | 'version' | 'effectiveFromMs'>,
  lines: BookLines,
): PriceBook => ({
  ...named,
  prices: (lines.prices ?? []).map(toPrice),
  experiment: lines.experiment,
});

/** A version that came with the deployment, in the form of those that the agency writes. */
export const toKept = ({ id, version, effectiveFrom, ...lines }: BookText): KeptBook => ({
  id,
  version,
  lines,
  effectiveFromMs: Date.parse(effectiveFrom),
  changedAtMs: 0,
});
