import type { CreditPack } from '#core/billing/types.ts';
import { type ComparedPlan, lintPriceBooks, type PriceWarning, TYPICAL_CALL } from './lintPriceBooks.ts';
import type { PriceBook } from './types.ts';

/** What the linter says of one version of a book, beside the other versions; places are within the version. */
export function bookFindings(
  book: PriceBook,
  others: readonly PriceBook[],
  sold: { readonly packs: readonly CreditPack[]; readonly plans: readonly ComparedPlan[] },
): readonly PriceWarning[] {
  const versions = others.filter(({ id, version }) => id === book.id && version !== book.version);
  const books = [...versions, book];
  const prefix = `books[${books.length - 1}].`;
  return lintPriceBooks({ books, typicalCall: TYPICAL_CALL, costMicro: undefined, ...sold })
    .filter(({ path }) => path.startsWith(prefix))
    .map(({ path, message }) => ({ path: path.slice(prefix.length), message }));
}
