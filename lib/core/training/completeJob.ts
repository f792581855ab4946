import { err, ok, type Result } from '#core/shared/result.ts';
import { changeJob, type JobRef } from './changeJob.ts';
import { decideEnding, type Ending, finishEnding } from './endJob.ts';
import type { JobDesk } from './ports.ts';
import type { TrainingJob } from './types.ts';

/**
 * `job_ended`: it was cancelled, or ended otherwise, meanwhile: what was deployed for it is nobody's and is to be
 * retired. `not_importing`: it has not been trained yet.
 */
export type NotImported =
  | { readonly code: 'unknown_job' }
  | { readonly code: 'not_importing' }
  | { readonly code: 'job_ended'; readonly job: TrainingJob };

/**
 * Ends a job well, when its model can be called: settles what was trained. Repeated with the same model, it answers
 * the same. Errors: unknown_job, not_importing, job_ended.
 */
export async function completeJob(
  desk: JobDesk,
  ref: JobRef,
  { fineTunedModel }: { readonly fineTunedModel: string },
): Promise<Result<TrainingJob, NotImported>> {
  const ended = await endImport(desk, ref, { outcome: 'succeeded', fineTunedModel });
  if (!ended.ok || ended.value.verdict?.fineTunedModel === fineTunedModel) return ended;
  return err({ code: 'job_ended', job: ended.value });
}

/**
 * Ends a job whose adapter could not be put into service. That is our fault: the hold is given back in full. The
 * message is told to the client: what happened, and nothing of our insides. Errors: as above.
 */
export async function failJob(
  desk: JobDesk,
  ref: JobRef,
  error: { readonly code: string; readonly message: string },
): Promise<Result<TrainingJob, NotImported>> {
  const ended = await endImport(desk, ref, {
    outcome: 'failed',
    error: { ...error, param: null },
    charged: false,
  });
  if (!ended.ok || ended.value.verdict?.outcome === 'failed') return ended;
  return err({ code: 'job_ended', job: ended.value });
}

async function endImport(
  desk: JobDesk,
  ref: JobRef,
  ending: Ending,
): Promise<Result<TrainingJob, NotImported>> {
  const decided = await changeJob(desk, ref, (job) =>
    job.state === 'importing' ? decideEnding(job, ending, desk.world.clock()) : undefined,
  );
  if (decided.outcome === 'unknown') return err({ code: 'unknown_job' });
  const { job } = decided;
  if (job.verdict === null) return err({ code: 'not_importing' });
  const finished = await finishEnding(desk, ref);
  return finished.outcome === 'unknown' ? err({ code: 'unknown_job' }) : ok(finished.job);
}
