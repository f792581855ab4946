import type { TrainingJobId } from '#core/shared/ids.ts';
import { changeJob, type JobRef } from './changeJob.ts';
import { decideEnding, finishEnding } from './endJob.ts';
import { JOB_LIMITS } from './limits.ts';
import { observeJob } from './observeJob.ts';
import { pickNext } from './pickNext.ts';
import type { FollowDesk } from './ports.ts';
import { GAVE_UP } from './putOff.ts';
import { moveJob } from './transitions.ts';
import type { TrainingJob } from './types.ts';

/** What a run did for one job; `failed` leaves the job to the next run. */
export type Reconciled = {
  readonly jobId: TrainingJobId;
  readonly state: TrainingJob['state'];
  readonly outcome: 'looked' | 'failed';
  readonly cause?: unknown;
};

/**
 * Looks after every job that has been silent: what a crash, a lost message or a missing event left behind goes on
 * from here. Ends jobs past their time. Then has started whatever can start.
 */
export async function reconcileJobs(desk: FollowDesk): Promise<readonly Reconciled[]> {
  const done: Reconciled[] = [];
  for (const job of await desk.jobs.listOpen()) {
    const about = { jobId: job.id, state: job.state };
    try {
      if (await reconcile(desk, job)) done.push({ ...about, outcome: 'looked' });
    } catch (cause) {
      done.push({ ...about, outcome: 'failed', cause });
    }
  }
  for (const { tenantId, id } of pickNext(await desk.jobs.listOpen(), desk.slots, desk.world.clock()))
    await desk.queue.send({ tenantId, jobId: id });
  return done;
}

/** Whether there was something to do. */
async function reconcile(desk: FollowDesk, job: TrainingJob): Promise<boolean> {
  const ref = { tenantId: job.tenantId, jobId: job.id };
  const nowMs = desk.world.clock();
  const silentMs = nowMs - job.updatedAtMs;
  if (job.state === 'draft') return silentMs > JOB_LIMITS.draftMs && clearDraft(desk, job);
  if (nowMs - job.createdAtMs > JOB_LIMITS.lifeMs && isUndecided(job)) return endOld(desk, ref, job);
  if (silentMs <= (isWork(job) ? JOB_LIMITS.silentWorkMs : JOB_LIMITS.silentMs)) return false;
  switch (job.state) {
    case 'created':
    case 'starting':
      await desk.queue.send(ref);
      return true;
    case 'training':
    case 'cancelling':
      await observeJob(desk, ref);
      return true;
    case 'importing':
      await desk.imports.send({ kind: 'import', ...ref });
      return true;
    case 'ending':
      if (job.checkpoints === null) await desk.imports.send({ kind: 'import', ...ref });
      else await desk.queue.send(ref);
      await finishEnding(desk, ref);
      return true;
    default:
      return false;
  }
}

/** How it ends, or as which models its checkpoints are kept. */
const isUndecided = ({ state, checkpoints }: TrainingJob): boolean =>
  state !== 'ending' || checkpoints === null;

const isWork = ({ state }: TrainingJob): boolean => state === 'created' || state === 'importing';

/** The request that wrote it died: its hold, if it came to that, is given back. */
async function clearDraft(desk: FollowDesk, draft: TrainingJob): Promise<boolean> {
  await desk.ledger.voidHold(draft.tenantId, draft.holdId);
  return desk.jobs.removeDraft(draft);
}

/** A job that does not come to its end is ended by us, and charged nothing. */
async function endOld(desk: FollowDesk, ref: JobRef, job: TrainingJob): Promise<boolean> {
  const attempt = job.attempts.at(-1);
  if (attempt !== undefined) await desk.training.stop(attempt.name);
  await changeJob(desk, ref, (now) => {
    if (now.state === 'ending' && now.checkpoints === null)
      return { job: moveJob(now, 'ending', desk.world.clock(), { checkpoints: [] }), told: null };
    if (now.state === 'draft' || now.state === 'ending' || now.verdict !== null) return undefined;
    const cancelled = now.state === 'cancelling';
    return decideEnding(
      now,
      cancelled ? { outcome: 'cancelled' } : { outcome: 'failed', error: GAVE_UP, charged: false },
      desk.world.clock(),
    );
  });
  await desk.queue.send(ref);
  await finishEnding(desk, ref);
  return true;
}
