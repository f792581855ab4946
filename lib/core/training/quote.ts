import { bookInForce } from '#core/pricing/priceBooks.ts';
import { priceTraining } from '#core/pricing/priceCall.ts';
import { priceOf } from '#core/pricing/ratesOf.ts';
import type { PriceBook } from '#core/pricing/types.ts';
import type { MicroCredits } from '#core/shared/money.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { Tenant } from '#core/tenants/types.ts';
import type { Quote, TrainingJob } from './types.ts';

export type TrainingUnpriced = { readonly code: 'prices_not_in_force' | 'unpriced_model' };

/**
 * What a job costs at most, in µcr, by the line of the base model in the book in force for the tenant; hours do not
 * matter, for a job runs through many. Source: the price books. Errors: prices_not_in_force, unpriced_model.
 */
export function quoteTraining(
  books: readonly PriceBook[],
  { id: tenantId, priceBookId }: Pick<Tenant, 'id' | 'priceBookId'>,
  job: {
    readonly baseModel: string;
    readonly tokensPerEpoch: number;
    readonly epochs: number;
    readonly atMs: number;
  },
): Result<Quote, TrainingUnpriced> {
  const book = bookInForce(books, { id: priceBookId, tenantId, atMs: job.atMs });
  if (book === undefined) return err({ code: 'prices_not_in_force' });
  const line = priceOf(book, { tenantId, model: job.baseModel });
  if (line === undefined) return err({ code: 'unpriced_model' });
  const { tokensPerEpoch, epochs } = job;
  return ok({
    tokensPerEpoch,
    amountMicro: priceTraining(line.rates, tokensPerEpoch * epochs),
    perMillionTokensMicro: line.rates.perMillionTrainingTokensMicro,
    priceBook: { id: book.id, version: book.version },
  });
}

/** The tokens that were trained, every epoch counted: never more than were quoted. */
export function trainedTokens({ quote, hyperParameters, dataset, trainedEpochs }: TrainingJob): number {
  const quoted = quote.tokensPerEpoch * hyperParameters.epochs;
  return Math.min(quoted, Math.round((dataset?.tokensPerEpoch ?? 0) * trainedEpochs));
}

/** The price of what a job trained, by its quote. */
export const priceOfTrained = ({ quote }: Pick<TrainingJob, 'quote'>, tokens: number): MicroCredits =>
  priceTraining({ perMillionTrainingTokensMicro: quote.perMillionTokensMicro }, tokens);
