import type { BadPriceBooks } from '#core/pricing/readPriceBooks.ts';
import type { Result } from '#core/shared/result.ts';
import { readTable } from './readTable.ts';

/**
 * Reads the price books that came with the deployment, from the price-tables layer or the directory in
 * `TUNEGATE_PRICE_TABLES_DIR`. Read once per process: a layer never changes under a running function. `read` is
 * `parsePriceBooks` (`parseBookTexts` for the books as they are written), or the lighter `readPriceBooks` where another function of the deployment has parsed them.
 * Throws with the file, the place in it and what to write there: without prices nothing may be sold.
 */
export function loadPriceBooks<T>(
  env: Readonly<Record<string, string | undefined>>,
  read: (file: unknown) => Result<readonly T[], BadPriceBooks>,
): readonly T[] {
  const { file, value } = readTable(env, 'price-books.json');
  const books = read(value);
  if (!books.ok) throw new Error(`${file}: ${books.error.message}`);
  return books.value;
}
