import { type MicroCredits, micro } from '#core/shared/money.ts';
import { dearestCharge } from './monthlyTiers.ts';
import { type CallMeasure, priceCall } from './priceCall.ts';
import type { FoundRates } from './ratesOf.ts';
import { MONTHLY_MEASURES, type MonthlyMeasure } from './types.ts';

/** The most that a use can cost in µcr, at any place in its month: by the dearest tier, with nothing included. */
export function mostOf({ rates, line }: FoundRates, used: CallMeasure): MicroCredits {
  let sum: number = priceCall(rates, used);
  for (const measure of MONTHLY_MEASURES) {
    const plan = line.monthly?.plans[measure];
    if (plan !== undefined) sum += dearestCharge(plan, unitsOf(used, measure));
  }
  return micro(sum);
}

/** What one call adds to the month's total of a measure. */
export const unitsOf = (used: CallMeasure, measure: MonthlyMeasure): number =>
  measure === 'requests' ? 1 : used[measure];
