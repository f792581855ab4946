import type { UsageEvent } from '#core/metering/types.ts';
import { type MicroCredits, ZERO } from '#core/shared/money.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { priceCall } from './priceCall.ts';
import type { Unpriced } from './quoteCall.ts';
import { ratesOf } from './ratesOf.ts';
import type { PriceBook } from './types.ts';

/** What rating needs of a usage event. */
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
>;

/**
 * What a call costs, in µcr, by the book that its usage event names (see `bookByVersion`). An engine that failed
 * before the first token costs nothing, not even the part per request; everything else costs what was delivered.
 * Errors: unpriced_model.
 */
export function rateUsage(book: PriceBook, event: RatedUsage): Result<MicroCredits, Unpriced> {
  const found = ratesOf(book, event);
  if (found === undefined) return err({ code: 'unpriced_model' });
  if (isFree(event)) return ok(ZERO);
  const { inputTokens, outputTokens } = event;
  const computeMs = Math.min(event.computeMs, found.line.maxComputeMs);
  return ok(priceCall(found.rates, { inputTokens, outputTokens, computeMs }));
}

/** Whether the engine failed before anything was delivered. */
export const isFree = ({
  status,
  timeToFirstTokenMs,
}: Pick<UsageEvent, 'status' | 'timeToFirstTokenMs'>): boolean =>
  status === 'engine_failed' && timeToFirstTokenMs === null;
