import { changeJob, type JobRef, type Move } from './changeJob.ts';
import { decideEnding, finishEnding } from './endJob.ts';
import { JOB_LIMITS } from './limits.ts';
import type { JobDesk } from './ports.ts';
import { moveJob, takesSlot } from './transitions.ts';
import type { TrainingJob } from './types.ts';

/** Twice as long each time in a row, up to a limit. */
export const putOffMs = (times: number): number =>
  Math.min(JOB_LIMITS.longestPutOffMs, JOB_LIMITS.firstPutOffMs * 2 ** Math.min(times, 20));

/**
 * Gives a job's slot back and lets it wait, says so in its events, and has it looked at again when the wait is over.
 * A job that SageMaker never took keeps the name of its attempt for the next try: it may be there after all.
 */
export async function putOff(desk: JobDesk, ref: JobRef, reason: string): Promise<void> {
  const changed = await changeJob(desk, ref, (job) =>
    job.state === 'starting' ? waitAgain(desk, job, reason, job.attempts.slice(0, -1)) : undefined,
  );
  await finishEnding(desk, ref);
  if (changed.outcome === 'changed') await wakeLater(desk, changed.job);
}

/** The job, waiting for its next attempt; ended, where it has been put off too often. */
export function waitAgain(
  desk: Pick<JobDesk, 'world'>,
  job: TrainingJob,
  reason: string,
  attempts: TrainingJob['attempts'],
): Move {
  const nowMs = desk.world.clock();
  const times = job.putOff.times + 1;
  if (times > JOB_LIMITS.putOffTimes || attempts.length >= JOB_LIMITS.attempts)
    return decideEnding(job, { outcome: 'failed', error: GAVE_UP, charged: false }, nowMs);
  const waitMs = putOffMs(times - 1);
  const putOffTo = { times, untilMs: nowMs + waitMs };
  return {
    job: moveJob(job, 'waiting', nowMs, { attempts, putOff: putOffTo, phase: null }),
    told: { level: 'warn', message: `${reason}; the job waits and is tried again in ${seconds(waitMs)}` },
  };
}

/** Has a job that waits looked at when its time has come. */
export async function wakeLater({ queue, world }: JobDesk, job: TrainingJob): Promise<void> {
  if (takesSlot(job)) return;
  const delay = Math.ceil((job.putOff.untilMs - world.clock()) / 1_000);
  await queue.send(
    { tenantId: job.tenantId, jobId: job.id },
    Math.min(JOB_LIMITS.longestDelaySeconds, Math.max(0, delay)),
  );
}

const seconds = (ms: number): string =>
  ms < 120_000 ? `${Math.round(ms / 1_000)} seconds` : `${Math.round(ms / 60_000)} minutes`;

export const GAVE_UP = {
  code: 'no_capacity',
  message: 'No training capacity was found in all this time. Nothing was charged; try again later.',
  param: null,
} as const;
