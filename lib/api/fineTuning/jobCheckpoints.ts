import { toSeconds } from '#api/control/fields.ts';
import { readQuery } from '#api/edge/readBody.ts';
import { refuse, respond } from '#api/http.ts';
import { type Checkpoint, checkpointsOf } from '#core/training/checkpoints.ts';
import { readProgress } from '#core/training/progress.ts';
import type { TrainingJob } from '#core/training/types.ts';
import type { FineTuningHandler } from './dispatchFineTuning.ts';
import { JOB_NOT_FOUND, jobOf, listObject, PageQuery } from './jobRecords.ts';

/** As OpenAI has it. */
const DEFAULT_CHECKPOINTS = 10;

/**
 * `GET /fine_tuning/jobs/{job}/checkpoints?limit=&after=` → the ends of its epochs with their numbers, newest first. Of
 * a job that succeeded the last three name models: the job's own, and two that can be called once they are deployed. Of
 * the epochs before, and of jobs that did not succeed, no model is kept: `fine_tuned_model_checkpoint` is null.
 */
export const listFineTuningCheckpoints: FineTuningHandler = async (deps, request) => {
  const query = readQuery(request, PageQuery);
  if (!query.ok) return refuse(query.error);
  const job = await jobOf(deps, request);
  if (job === undefined) return refuse(JOB_NOT_FOUND);
  const { limit, after } = query.value;
  const lines = await readProgress(deps.objects, job);
  const all = checkpointsOf(job, lines).map((checkpoint) => checkpointObject(job, checkpoint));
  const from = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1;
  const rest = after !== undefined && from === 0 ? [] : all.slice(from);
  const page = rest.slice(0, Number(limit ?? DEFAULT_CHECKPOINTS));
  return respond(200, listObject(page, rest.length > page.length));
};

const checkpointObject = ({ id }: TrainingJob, checkpoint: Checkpoint) => ({
  object: 'fine_tuning.job.checkpoint',
  id: `ftckpt-${id.slice('ftjob-'.length)}-${checkpoint.step}`,
  created_at: toSeconds(checkpoint.atMs),
  fine_tuned_model_checkpoint: checkpoint.fineTunedModel,
  fine_tuning_job_id: id,
  step_number: checkpoint.step,
  metrics: {
    step: checkpoint.step,
    train_loss: checkpoint.trainLoss,
    ...(checkpoint.validationLoss === undefined ? {} : { full_valid_loss: checkpoint.validationLoss }),
    ...(checkpoint.validationExact === undefined ? {} : { valid_exact_match: checkpoint.validationExact }),
  },
});
