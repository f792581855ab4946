import { parsePlans } from '#core/subscriptions/parsePlans.ts';
import type { PlanCatalogue } from '#core/subscriptions/plan.ts';
import { readTable } from './readTable.ts';

/**
 * Reads the plans on sale, from the price-tables layer or the directory in `TUNEGATE_PRICE_TABLES_DIR`. Throws with
 * the file, the place in it and what to write there.
 */
export function loadPlans(env: Readonly<Record<string, string | undefined>>): PlanCatalogue {
  const { file, value } = readTable(env, 'plans.json');
  const plans = parsePlans(value);
  if (!plans.ok) throw new Error(`${file}: ${plans.error.message}`);
  return plans.value;
}
