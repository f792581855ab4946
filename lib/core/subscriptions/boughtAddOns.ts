import { err, ok, type Result } from '#core/shared/result.ts';
import type { ChosenAddOn, Interval, PlanCatalogue } from './plan.ts';
import type { BoughtAddOn } from './types.ts';

export type UnknownAddOn = { readonly code: 'unknown_add_on'; readonly known: readonly string[] };

/** Chosen add-ons by the ids that Dodo has for them; those of quantity 0 are left out. */
export function boughtAddOns(
  { addOns }: Pick<PlanCatalogue, 'addOns'>,
  wanted: { readonly addOns: readonly ChosenAddOn[]; readonly interval: Interval },
): Result<readonly BoughtAddOn[], UnknownAddOn> {
  const bought: BoughtAddOn[] = [];
  for (const { id, quantity } of wanted.addOns) {
    const addOn = addOns.find((one) => one.id === id);
    if (addOn === undefined) return err({ code: 'unknown_add_on', known: addOns.map((one) => one.id) });
    if (quantity > 0) bought.push({ addOnId: addOn.prices[wanted.interval].productId, quantity });
  }
  return ok(bought);
}
