import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCreditPacks } from '#core/billing/parseCreditPacks.ts';
import type { PackCatalogue } from '#core/billing/types.ts';

const LAYER_DIR = '/opt/price-tables';
const CREDIT_PACKS_FILE = 'credit-packs.json';

/**
 * Reads the packs on sale, from the price-tables layer or the directory in `TUNEGATE_PRICE_TABLES_DIR`.
 * Throws with the file, the place in it and what to write there.
 */
export function loadCreditPacks(env: Readonly<Record<string, string | undefined>>): PackCatalogue {
  const file = join(env['TUNEGATE_PRICE_TABLES_DIR'] ?? LAYER_DIR, CREDIT_PACKS_FILE);
  const packs = parseCreditPacks(JSON.parse(readFileSync(file, 'utf8')));
  if (!packs.ok) throw new Error(`${file}: ${packs.error.message}`);
  return packs.value;
}
