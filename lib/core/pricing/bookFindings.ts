import type { Directory } from '#core/tenants/ports.ts';
import { type LintInput, lintPriceBooks, type PriceWarning } from './lintPriceBooks.ts';
import type { PriceBook } from './types.ts';
import { unknownNames } from './unknownNames.ts';

/**
 * What the linter says of one version of a book, beside the other versions, and of the tenants and models that it names;
 * places are within the version.
 */
export async function bookFindings(
  directory: Pick<Directory, 'readTenant' | 'listTenants' | 'listModels'>,
  book: PriceBook,
  { books: others, ...compared }: LintInput,
): Promise<readonly PriceWarning[]> {
  const versions = others.filter(({ id, version }) => id === book.id && version !== book.version);
  const books = [...versions, book];
  const prefix = `books[${books.length - 1}].`;
  const found = lintPriceBooks({ books, ...compared })
    .filter(({ path }) => path.startsWith(prefix))
    .map(({ path, message }) => ({ path: path.slice(prefix.length), message }));
  return [...found, ...(await unknownNames(directory, book.prices))];
}
