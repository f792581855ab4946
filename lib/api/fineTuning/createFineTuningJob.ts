import { readIdempotencyKey } from '#api/control/fields.ts';
import { readBody } from '#api/edge/readBody.ts';
import { refuse, respond } from '#api/http.ts';
import { createJob } from '#core/training/createJob.ts';
import type { FineTuningHandler } from './dispatchFineTuning.ts';
import { jobObject } from './jobObject.ts';
import { jobRefusal } from './jobRefusal.ts';
import { NewFineTuningJob, wantedJob } from './newJobBody.ts';

/**
 * `POST /fine_tuning/jobs {model, training_file, validation_file?, hyperparameters? | method?, suffix?, seed?, …}` →
 * the job, with its quote. What it may cost is held. With an `Idempotency-Key` a repeat answers the same job.
 */
export const createFineTuningJob: FineTuningHandler = async (deps, request) => {
  const body = readBody(request, NewFineTuningJob);
  if (!body.ok) return refuse(body.error);
  const key = readIdempotencyKey(request);
  if (!key.ok) return refuse(key.error);
  const requestKey =
    key.value === undefined
      ? null
      : { hash: deps.sha256(key.value), bodyHash: deps.sha256(JSON.stringify(body.value)) };
  const created = await createJob(deps, { ...wantedJob(request, body.value), requestKey });
  if (created.ok) return respond(200, jobObject(created.value));
  return refuse(jobRefusal(created.error, deps.topUpUrl));
};
