import { type MicroCredits, ZERO } from '#core/shared/money.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { localMonth } from './localTime.ts';
import type { MonthlyTiers } from './monthlyTiers.ts';
import { unitsOf } from './mostOf.ts';
import { priceCall } from './priceCall.ts';
import type { Unpriced } from './quoteCall.ts';
import { ratesOf } from './ratesOf.ts';
import { isFree, measureOf, priceOfTraining, type RatedUsage } from './rateUsage.ts';
import { MONTHLY_MEASURES, type ModelPrice, type MonthlyMeasure, type PriceBook } from './types.ts';

/** What a call adds to totals of a month, and the tiers by which they are billed. */
export type MonthlyUse = {
  /** Which totals: month, book, version and line of the book, such as `2026-11#growth#1#*`. */
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
  const month = localMonth(monthly.timeZone, event.startedAtMs);
  return ok({
    amountMicro,
    monthly: { counter: `${month}#${book.id}#${book.version}#${nameOf(found.line)}`, shares },
  });
}

/** A tenant has at most one line of its own for a model, and one that is for every tenant. */
const nameOf = ({ model, tenants }: ModelPrice): string => (tenants === undefined ? model : `${model}#own`);
