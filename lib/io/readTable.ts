import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findRepeatedKey } from '#core/shared/findRepeatedKey.ts';

const LAYER_DIR = '/opt/price-tables';

/**
 * Reads a JSON file of the price-tables layer, or of the directory in `TUNEGATE_PRICE_TABLES_DIR`. Throws with the file
 * and what is wrong with it: one that cannot be read, is no JSON, or has a key twice in one object.
 */
export function readTable(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
): { readonly file: string; readonly value: unknown } {
  const file = join(env['TUNEGATE_PRICE_TABLES_DIR'] ?? LAYER_DIR, name);
  try {
    const text = readFileSync(file, 'utf8');
    const value: unknown = JSON.parse(text);
    const again = findRepeatedKey(text);
    if (again !== undefined) throw new Error(`${again} is given twice: keep one of them`);
    return { file, value };
  } catch (error) {
    throw new Error(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
