import { err, ok, type Result } from '#core/shared/result.ts';
import { changeJob, type JobRef, type Told } from './changeJob.ts';
import { decideEnding, type Ending, finishEnding } from './endJob.ts';
import type { JobDesk } from './ports.ts';
import { moveJob } from './transitions.ts';
import type { JobCheckpoint, TrainingJob } from './types.ts';

/**
 * `job_ended`: it was cancelled, or ended otherwise, meanwhile: what was deployed for it is nobody's and is to be
 * retired. `not_importing`: it has not been trained yet.
 */
export type NotImported =
  | { readonly code: 'unknown_job' }
  | { readonly code: 'not_importing' }
  | { readonly code: 'job_ended'; readonly job: TrainingJob };

export type Success = {
  readonly fineTunedModel: string;
  /** Registers what is kept of the earlier epochs, once nobody can cancel the job any more. Absent: nothing is kept. */
  readonly checkpoints?: (job: TrainingJob) => Promise<readonly JobCheckpoint[]>;
};

/**
 * Ends a job well, when its model can be called: settles what was trained. Repeated with the same model, it goes on
 * where it was cut off and answers the same. Errors: unknown_job, not_importing, job_ended.
 */
export async function completeJob(
  desk: JobDesk,
  ref: JobRef,
  { fineTunedModel, checkpoints }: Success,
): Promise<Result<TrainingJob, NotImported>> {
  const ending = {
    outcome: 'succeeded',
    fineTunedModel,
    keepsCheckpoints: checkpoints !== undefined,
  } as const;
  const ended = await endImport(desk, ref, ending, checkpoints);
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
  checkpoints?: Success['checkpoints'],
): Promise<Result<TrainingJob, NotImported>> {
  const decided = await changeJob(desk, ref, (job) =>
    job.state === 'importing' ? decideEnding(job, ending, desk.world.clock()) : undefined,
  );
  if (decided.outcome === 'unknown') return err({ code: 'unknown_job' });
  const { job } = decided;
  if (job.verdict === null) return err({ code: 'not_importing' });
  if (job.checkpoints === null && checkpoints !== undefined)
    await keepCheckpoints(desk, ref, await checkpoints(job));
  const finished = await finishEnding(desk, ref);
  return finished.outcome === 'unknown' ? err({ code: 'unknown_job' }) : ok(finished.job);
}

/** Writes what a job's checkpoints were registered as; what another delivery wrote first stays. */
const keepCheckpoints = (desk: JobDesk, ref: JobRef, checkpoints: readonly JobCheckpoint[]) =>
  changeJob(desk, ref, (job) =>
    job.state === 'ending' && job.checkpoints === null
      ? { job: moveJob(job, 'ending', desk.world.clock(), { checkpoints }), told: toldOf(checkpoints) }
      : undefined,
  );

const toldOf = (checkpoints: readonly JobCheckpoint[]): Told | null =>
  checkpoints.length === 0
    ? null
    : {
        level: 'info',
        message: `Checkpoints are kept, and can be put into service: ${checkpoints.map(({ model }) => model).join(', ')}`,
      };
