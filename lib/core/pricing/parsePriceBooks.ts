import { err, ok, type Result } from '#core/shared/result.ts';
import { findMistake } from './findMistake.ts';
import type { BookText } from './priceBooksFile.ts';
import { type BadPriceBooks, readBookTexts, toBook } from './readPriceBooks.ts';
import type { PriceBook } from './types.ts';

/** Reads the parsed JSON of a price-books file. Errors: invalid_price_books, with the place and what to write there. */
export function parsePriceBooks(file: unknown): Result<readonly PriceBook[], BadPriceBooks> {
  const books = parseBookTexts(file);
  return books.ok ? ok(books.value.map(toBook)) : books;
}

/** The same books as they are written. */
export function parseBookTexts(file: unknown): Result<readonly BookText[], BadPriceBooks> {
  const books = readBookTexts(file);
  if (!books.ok) return books;
  const message = findMistake(books.value);
  return message === undefined ? books : err({ code: 'invalid_price_books', message });
}
