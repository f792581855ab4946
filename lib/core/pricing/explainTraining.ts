import { formatCredits } from '#core/shared/money.ts';
import { type Explanation, lineStep, part, type RatingStep } from './explainRating.ts';
import { priceTraining } from './priceCall.ts';
import { priceOf } from './ratesOf.ts';
import type { PriceBook } from './types.ts';

/** A job's training as it was charged: `tokens` of what was trained, every epoch counted. */
export type ChargedTraining = { readonly tenantId: string; readonly model: string; readonly tokens: number };

/**
 * Every step by which a training job came to its price, in the version of the book that quoted it. Training has no
 * hours, no tiers and no price for its request. `amountMicro` null: the book has no line for the base model.
 */
export function explainTraining(book: PriceBook, { tenantId, model, tokens }: ChargedTraining): Explanation {
  const begun = `in force from ${new Date(book.effectiveFromMs).toISOString()}`;
  const first = { step: 'price book', detail: `${book.id} version ${book.version}, ${begun}` };
  const line = priceOf(book, { tenantId, model });
  if (line === undefined) {
    const none = { step: 'line', detail: `none for the model ${model} and this tenant` };
    return { steps: [first, none], amountMicro: null };
  }
  const { perMillionTrainingTokensMicro } = line.rates;
  const measure = { count: tokens, per: 1_000_000, of: 'a million' };
  const trained = part('training', `${tokens} tokens`, perMillionTrainingTokensMicro, measure);
  const amountMicro = priceTraining(line.rates, tokens);
  const price: RatingStep = {
    step: 'price',
    detail: `${formatCredits(amountMicro)} credits: rounded up to a millionth, and never more than was quoted`,
  };
  return {
    steps: [first, lineStep({ line }), ...(trained === undefined ? [] : [trained]), price],
    amountMicro,
  };
}
