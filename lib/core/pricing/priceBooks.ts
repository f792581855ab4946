import type { ModelPrice, PriceBook } from './types.ts';

/**
 * The version of a price book that is in force at a moment: the latest one that has begun; of two that begin
 * together the higher version. Undefined when the book is unknown or has not begun yet.
 */
export function bookInForce(books: readonly PriceBook[], id: string, atMs: number): PriceBook | undefined {
  let found: PriceBook | undefined;
  for (const book of books) {
    if (book.id !== id || book.effectiveFromMs > atMs) continue;
    if (found === undefined || isLater(book, found)) found = book;
  }
  return found;
}

const isLater = (a: PriceBook, b: PriceBook): boolean =>
  a.effectiveFromMs > b.effectiveFromMs || (a.effectiveFromMs === b.effectiveFromMs && a.version > b.version);

/** The very version that a usage event names: a call is rated by the book that quoted it and no other. */
export function bookByVersion(
  books: readonly PriceBook[],
  wanted: { readonly id: string; readonly version: number },
): PriceBook | undefined {
  return books.find((book) => book.id === wanted.id && book.version === wanted.version);
}

/** The line for a model: its own, else the `*` line, else undefined. */
export function priceOf(book: PriceBook, model: string): ModelPrice | undefined {
  return book.prices.find((line) => line.model === model) ?? book.prices.find((line) => line.model === '*');
}
