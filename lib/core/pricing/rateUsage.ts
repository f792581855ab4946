import type { UsageEvent } from '#core/metering/types.ts';
import { type MicroCredits, ZERO } from '#core/shared/money.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { priceOf } from './priceBooks.ts';
import { priceTokens } from './priceTokens.ts';
import type { Unpriced } from './quoteCall.ts';
import type { PriceBook } from './types.ts';

/** What rating needs of a usage event. */
export type RatedUsage = Pick<
  UsageEvent,
  'model' | 'inputTokens' | 'outputTokens' | 'status' | 'timeToFirstTokenMs'
>;

/**
 * What a call costs, in µcr, by the book that its usage event names (see `bookByVersion`). An engine that failed
 * before the first token costs nothing, not even the part per request; everything else costs what was delivered.
 * Errors: unpriced_model.
 */
export function rateUsage(book: PriceBook, event: RatedUsage): Result<MicroCredits, Unpriced> {
  const price = priceOf(book, event.model);
  if (price === undefined) return err({ code: 'unpriced_model' });
  if (event.status === 'engine_failed' && event.timeToFirstTokenMs === null) return ok(ZERO);
  return ok(priceTokens(price, event));
}
