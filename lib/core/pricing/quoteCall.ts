import type { MicroCredits } from '#core/shared/money.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { priceOf } from './priceBooks.ts';
import { type CallTokens, priceTokens } from './priceTokens.ts';
import type { PriceBook } from './types.ts';

/** The book has neither a line for the model nor a `*` line. */
export type Unpriced = { readonly code: 'unpriced_model' };

/**
 * The most that a call can cost, in µcr, given its prompt and the most tokens that it may generate. What is rated
 * afterwards is never more, as long as the tokens stay within these. Source: the price book. Errors: unpriced_model.
 */
export function quoteCall(
  book: PriceBook,
  model: string,
  atMost: CallTokens,
): Result<MicroCredits, Unpriced> {
  const price = priceOf(book, model);
  return price === undefined ? err({ code: 'unpriced_model' }) : ok(priceTokens(price, atMost));
}
