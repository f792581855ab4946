import type { MicroCredits } from '#core/shared/money.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { mostOf } from './mostOf.ts';
import type { CallMeasure } from './priceCall.ts';
import { type PricedCall, ratesOf } from './ratesOf.ts';
import type { PriceBook } from './types.ts';

/** The book has no line for the model and this tenant. */
export type Unpriced = { readonly code: 'unpriced_model' };

/**
 * The most that a call can cost, in µcr, given its prompt and the most tokens that it may generate; of compute time
 * it counts on all that the line may charge, and of tiers by month on the dearest. What is rated afterwards is never more, as long as the tokens stay
 * within these. Source: the price book. Errors: unpriced_model.
 */
export function quoteCall(
  book: PriceBook,
  call: PricedCall,
  atMost: Omit<CallMeasure, 'computeMs'>,
): Result<MicroCredits, Unpriced> {
  const found = ratesOf(book, call);
  if (found === undefined) return err({ code: 'unpriced_model' });
  return ok(mostOf(found, { ...atMost, computeMs: found.line.maxComputeMs }));
}
