import type { UsageEvent } from '#core/metering/types.ts';
import { type MicroCredits, ZERO } from '#core/shared/money.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { mostOf } from './mostOf.ts';
import { type CallMeasure, priceTraining } from './priceCall.ts';
import type { Unpriced } from './quoteCall.ts';
import { type FoundRates, ratesOf } from './ratesOf.ts';
import type { PriceBook } from './types.ts';

/** What rating needs of a usage event. Without an operation it is a call. */
export type RatedUsage = Pick<
  UsageEvent,
  | 'tenantId'
  | 'model'
  | 'startedAtMs'
  | 'inputTokens'
  | 'outputTokens'
  | 'computeMs'
  | 'status'
  | 'timeToFirstTokenMs'
> &
  Partial<Pick<UsageEvent, 'operation'>>;

/**
 * What a call costs, in µcr, by the book that its usage event names (see `bookByVersion`). An engine that failed
 * before the first token costs nothing, not even the part per request; everything else costs what was delivered.
 * Where its line has tiers by month, this is the most that it may cost: `rateInMonth` has the rest.
 * Errors: unpriced_model.
 */
export function rateUsage(book: PriceBook, event: RatedUsage): Result<MicroCredits, Unpriced> {
  const found = ratesOf(book, event);
  if (found === undefined) return err({ code: 'unpriced_model' });
  if (isFree(event)) return ok(ZERO);
  if (event.operation === 'fine_tuning') return ok(priceOfTraining(found, event));
  return ok(mostOf(found, measureOf(found, event)));
}

/** What is charged for of a call; of its compute time no more than the line's limit. */
export const measureOf = (
  { line }: FoundRates,
  { inputTokens, outputTokens, computeMs }: CallMeasure,
): CallMeasure => ({ inputTokens, outputTokens, computeMs: Math.min(computeMs, line.maxComputeMs) });

/** A training job runs through many hours, so that none of the line's windows is its own, and it is in no month's tiers. */
export const priceOfTraining = (
  { line }: FoundRates,
  { inputTokens }: Pick<CallMeasure, 'inputTokens'>,
): MicroCredits => priceTraining(line.rates, inputTokens);

/** Whether the engine failed before anything was delivered. */
export const isFree = ({
  status,
  timeToFirstTokenMs,
}: Pick<UsageEvent, 'status' | 'timeToFirstTokenMs'>): boolean =>
  status === 'engine_failed' && timeToFirstTokenMs === null;
