import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parsePlans } from '#core/subscriptions/parsePlans.ts';
import type { PlanCatalogue } from '#core/subscriptions/plan.ts';

const LAYER_DIR = '/opt/price-tables';
const PLANS_FILE = 'plans.json';

/**
 * Reads the plans on sale, from the price-tables layer or the directory in `TUNEGATE_PRICE_TABLES_DIR`. Throws with
 * the file, the place in it and what to write there.
 */
export function loadPlans(env: Readonly<Record<string, string | undefined>>): PlanCatalogue {
  const file = join(env['TUNEGATE_PRICE_TABLES_DIR'] ?? LAYER_DIR, PLANS_FILE);
  const plans = parsePlans(JSON.parse(readFileSync(file, 'utf8')));
  if (!plans.ok) throw new Error(`${file}: ${plans.error.message}`);
  return plans.value;
}
