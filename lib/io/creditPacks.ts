import { parseCreditPacks } from '#core/billing/parseCreditPacks.ts';
import type { PackCatalogue } from '#core/billing/types.ts';
import { readTable } from './readTable.ts';

/**
 * Reads the packs on sale, from the price-tables layer or the directory in `TUNEGATE_PRICE_TABLES_DIR`.
 * Throws with the file, the place in it and what to write there.
 */
export function loadCreditPacks(env: Readonly<Record<string, string | undefined>>): PackCatalogue {
  const { file, value } = readTable(env, 'credit-packs.json');
  const packs = parseCreditPacks(value);
  if (!packs.ok) throw new Error(`${file}: ${packs.error.message}`);
  return packs.value;
}
