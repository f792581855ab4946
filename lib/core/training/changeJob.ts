import type { TenantId, TrainingJobId } from '#core/shared/ids.ts';
import { JOB_LIMITS } from './limits.ts';
import type { JobDesk } from './ports.ts';
import type { JobEvent, TrainingJob } from './types.ts';

export type Told = Pick<JobEvent, 'level' | 'message'> & { readonly data?: JobEvent['data'] };

/** What becomes of a job, and what its events say of it. */
export type Move = { readonly job: TrainingJob; readonly told: Told | null };

export type JobRef = { readonly tenantId: TenantId; readonly jobId: TrainingJobId };

/** `unchanged`: nothing was to be done. */
export type Changed =
  | { readonly outcome: 'changed' | 'unchanged' | 'no_slot'; readonly job: TrainingJob }
  | { readonly outcome: 'unknown' };

/**
 * Reads a job, asks what becomes of it, and writes that if the job is still as it was read; else once more. Safe to
 * repeat as far as `decide` answers undefined for what is done already.
 */
export async function changeJob(
  { jobs, slots }: Pick<JobDesk, 'jobs' | 'slots'>,
  { tenantId, jobId }: JobRef,
  decide: (job: TrainingJob) => Move | undefined,
): Promise<Changed> {
  for (let tries = 0; tries < JOB_LIMITS.changeTries; tries++) {
    const before = await jobs.read(tenantId, jobId);
    if (before === undefined) return { outcome: 'unknown' };
    const move = decide(before);
    if (move === undefined) return { outcome: 'unchanged', job: before };
    const written = await jobs.change({ before, after: move.job, event: eventOf(move) }, slots);
    if (written === 'written') return { outcome: 'changed', job: move.job };
    if (written === 'no_slot') return { outcome: 'no_slot', job: before };
  }
  throw new Error(`the training job ${jobId} changed too often to be changed`);
}

/** The version makes the id: a change is told once. */
const eventOf = ({ job, told }: Move): JobEvent | null =>
  told === null
    ? null
    : {
        id: `ftevent-${job.id.slice('ftjob-'.length)}-${job.version}`,
        jobId: job.id,
        atMs: job.updatedAtMs,
        kind: 'message',
        level: told.level,
        message: told.message,
        data: told.data ?? null,
      };
