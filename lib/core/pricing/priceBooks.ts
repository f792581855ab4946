import { armOf } from './armOf.ts';
import type { PriceBook } from './types.ts';

/**
 * The version of a price book that is in force for a tenant at a moment: the latest one that has begun; of two that
 * begin together the higher version. Where that is an experiment, the tenant's arm of it. Undefined when the book is
 * unknown or has not begun yet.
 */
export function bookInForce(
  books: readonly PriceBook[],
  { id, tenantId, atMs }: { readonly id: string; readonly tenantId: string; readonly atMs: number },
): PriceBook | undefined {
  const book = latest(books, id, atMs);
  if (book?.experiment === undefined) return book;
  // The parser saw to it that arms are no experiments and have begun.
  const arm = latest(books, armOf(book.experiment, tenantId), atMs);
  const by = { experiment: book.experiment.id, book: book.id, version: book.version };
  return arm === undefined ? undefined : { ...arm, armOf: by };
}

function latest(books: readonly PriceBook[], id: string, atMs: number): PriceBook | undefined {
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
