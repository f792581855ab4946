import { err, ok, type Result } from '#core/shared/result.ts';
import { changeJob, type JobRef, type Move } from './changeJob.ts';
import { decideEnding, finishEnding } from './endJob.ts';
import type { JobDesk } from './ports.ts';
import { moveJob } from './transitions.ts';
import type { TrainingJob } from './types.ts';

/** `already_ended`: it succeeded or failed before. */
export type NotCancelled =
  | { readonly code: 'unknown_job' }
  | { readonly code: 'already_ended'; readonly job: TrainingJob };

/**
 * Cancels a job. One that SageMaker may be at work on is stopped by what starts jobs, and charged for what it trained
 * until then; any other ends at once. Repeated, it answers the same. Errors: unknown_job, already_ended.
 */
export async function cancelJob(desk: JobDesk, ref: JobRef): Promise<Result<TrainingJob, NotCancelled>> {
  const changed = await changeJob(desk, ref, (job) => decideCancel(desk, job));
  if (changed.outcome === 'unknown' || changed.job.state === 'draft') return err({ code: 'unknown_job' });
  const finished = await finishEnding(desk, ref);
  if (finished.outcome === 'unknown') return err({ code: 'unknown_job' });
  const { job } = finished;
  if (job.state !== 'cancelling' && job.verdict?.outcome !== 'cancelled')
    return err({ code: 'already_ended', job });
  await desk.queue.send(ref); // stops what runs of it, and lets the next one start
  return ok(job);
}

function decideCancel(desk: JobDesk, job: TrainingJob): Move | undefined {
  const nowMs = desk.world.clock();
  switch (job.state) {
    case 'created':
    case 'waiting':
    case 'importing':
      return decideEnding(job, { outcome: 'cancelled' }, nowMs);
    case 'starting':
    case 'training':
      return {
        job: moveJob(job, 'cancelling', nowMs),
        told: { level: 'info', message: 'Cancellation was asked for; the training is being stopped' },
      };
    default:
      return undefined;
  }
}
