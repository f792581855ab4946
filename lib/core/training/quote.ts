import { bookByVersion } from '#core/pricing/priceBooks.ts';
import { priceTraining } from '#core/pricing/priceCall.ts';
import { priceOf } from '#core/pricing/ratesOf.ts';
import type { PriceBook } from '#core/pricing/types.ts';
import type { MicroCredits } from '#core/shared/money.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { TrainingJob } from './types.ts';

export type TrainingUnpriced = { readonly code: 'unpriced_model' };

/**
 * What training on so many tokens costs, every epoch counted, in µcr. By the line of the base model; its hours do not
 * matter, for a job runs through many. Source: the price book. Errors: unpriced_model.
 */
export function priceTokens(
  book: PriceBook,
  { tenantId, baseModel }: Pick<TrainingJob, 'tenantId' | 'baseModel'>,
  tokens: number,
): Result<MicroCredits, TrainingUnpriced> {
  const line = priceOf(book, { tenantId, model: baseModel });
  if (line === undefined) return err({ code: 'unpriced_model' });
  return ok(priceTraining(line.rates, tokens));
}

/** The tokens that were trained, every epoch counted: never more than were quoted. */
export function trainedTokens({ quote, hyperParameters, dataset, trainedEpochs }: TrainingJob): number {
  const quoted = quote.tokensPerEpoch * hyperParameters.epochs;
  return Math.min(quoted, Math.round((dataset?.tokensPerEpoch ?? 0) * trainedEpochs));
}

/** The price of what a job trained, by the book that quoted it. Throws when that book is not deployed here. */
export function priceOfTrained(books: readonly PriceBook[], job: TrainingJob, tokens: number): MicroCredits {
  const { id, version } = job.quote.priceBook;
  const book = bookByVersion(books, job.quote.priceBook);
  const price = book === undefined ? undefined : priceTokens(book, job, tokens);
  if (price?.ok !== true)
    throw new Error(`price book ${id} version ${version} does not price ${job.baseModel}`);
  return price.value;
}
