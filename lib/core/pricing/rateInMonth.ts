import { type MicroCredits, ZERO } from '#core/shared/money.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { localMonth } from './localTime.ts';
import type { MonthlyTiers } from './monthlyTiers.ts';
import { unitsOf } from './mostOf.ts';
import { nameTiers } from './nameTiers.ts';
import { priceCall } from './priceCall.ts';
import type { Unpriced } from './quoteCall.ts';
import { ratesOf } from './ratesOf.ts';
import { isFree, measureOf, priceOfTraining, type RatedUsage } from './rateUsage.ts';
import {
  MONTHLY_MEASURES,
  type ModelPrice,
  type MonthlyMeasure,
  type MonthlyPrices,
  type PriceBook,
} from './types.ts';

/** What a call adds to totals of a month, and the tiers by which they are billed. */
export type MonthlyUse = {
  /** Which totals: month, book, tiers (by their name) and line of the book, such as `2026-11#growth#5fa1c0de9b3e77a1#*`. */
  readonly counter: string;
  readonly shares: readonly {
    readonly measure: MonthlyMeasure;
    readonly used: number;
    readonly plan: MonthlyTiers;
  }[];
};

/** `amountMicro` is what the call costs by itself; what `monthly` costs depends on the totals before it. */
export type RatedInMonth = { readonly amountMicro: MicroCredits; readonly monthly?: MonthlyUse };

/**
 * What a call costs in the month in which it began, by the book that its usage event names. A free call adds nothing
 * to the month. Errors: unpriced_model.
 */
export function rateInMonth(book: PriceBook, event: RatedUsage): Result<RatedInMonth, Unpriced> {
  const found = ratesOf(book, event);
  if (found === undefined) return err({ code: 'unpriced_model' });
  if (isFree(event)) return ok({ amountMicro: ZERO });
  if (event.operation === 'fine_tuning') return ok({ amountMicro: priceOfTraining(found, event) });
  const used = measureOf(found, event);
  const amountMicro = priceCall(found.rates, used);
  const { monthly } = found.line;
  if (monthly === undefined) return ok({ amountMicro });
  const shares: MonthlyUse['shares'][number][] = [];
  for (const measure of MONTHLY_MEASURES) {
    const plan = monthly.plans[measure];
    if (plan !== undefined) shares.push({ measure, used: unitsOf(used, measure), plan });
  }
  return ok({ amountMicro, monthly: { counter: counterOf(book, found.line, event.startedAtMs), shares } });
}

type Known = { readonly tiers: string; month: string; counter: string };

/** Of each line the name of its last month: one text for many calls, which is looked up faster than equal ones. */
const known = new WeakMap<MonthlyPrices, Known>();

function counterOf({ id }: PriceBook, { model, tenants, monthly }: ModelPrice, atMs: number): string {
  if (monthly === undefined) throw new Error('a line without tiers has no months');
  const month = localMonth(monthly.timeZone, atMs);
  let found = known.get(monthly);
  if (found === undefined) {
    found = { tiers: nameTiers(monthly), month: '', counter: '' };
    known.set(monthly, found);
  }
  if (found.month !== month) {
    found.month = month;
    // A tenant has at most one line of its own for a model, and one that is for every tenant.
    found.counter = `${month}#${id}#${found.tiers}#${tenants === undefined ? model : `${model}#own`}`;
  }
  return found.counter;
}
