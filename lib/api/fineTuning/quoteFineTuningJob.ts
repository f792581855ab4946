import { readBody } from '#api/edge/readBody.ts';
import { refuse, respond } from '#api/http.ts';
import { formatCredits } from '#core/shared/money.ts';
import { planJob } from '#core/training/planJob.ts';
import type { FineTuningHandler } from './dispatchFineTuning.ts';
import { parametersObject } from './jobObject.ts';
import { jobRefusal } from './jobRefusal.ts';
import { NewFineTuningJob, wantedJob } from './newJobBody.ts';

/** `POST /fine_tuning/quotes` with the body of a job → what the job can cost at most. Nothing is held or started. */
export const quoteFineTuningJob: FineTuningHandler = async (deps, request) => {
  const body = readBody(request, NewFineTuningJob);
  if (!body.ok) return refuse(body.error);
  const planned = await planJob(deps, wantedJob(request, body.value));
  if (!planned.ok) return refuse(jobRefusal(planned.error, deps.topUpUrl));
  const { quote, hyperParameters } = planned.value;
  return respond(200, {
    object: 'fine_tuning.quote',
    model: body.value.model,
    training_file: body.value.training_file,
    hyperparameters: parametersObject(hyperParameters),
    tokens_per_epoch: quote.tokensPerEpoch,
    tokens: quote.tokensPerEpoch * hyperParameters.epochs,
    credits_per_million_tokens: formatCredits(quote.perMillionTokensMicro),
    credits: formatCredits(quote.amountMicro),
    price_book: quote.priceBook,
  });
};
