import { type Changed, changeJob, type JobRef, type Move } from './changeJob.ts';
import { decideEnding, finishEnding } from './endJob.ts';
import { JOB_LIMITS } from './limits.ts';
import { observeJob, stopAttempts } from './observeJob.ts';
import { pickNext } from './pickNext.ts';
import type { TrainingDesk, TrainingRefused } from './ports.ts';
import { prepareJob } from './prepareJob.ts';
import { putOff } from './putOff.ts';
import { attemptName, trainingRequest } from './trainingRequest.ts';
import { moveJob } from './transitions.ts';
import type { TrainingJob } from './types.ts';

/**
 * Does what is next for the job of a message, then starts every job whose turn it is. A message is only a reason to
 * look: repeated, late or for a job that has ended, it changes nothing that is not due.
 */
export async function startJobs(desk: TrainingDesk, ref: JobRef): Promise<void> {
  const job = await desk.jobs.read(ref.tenantId, ref.jobId);
  if (job !== undefined) await continueJob(desk, ref, job);
  await startNext(desk);
}

async function continueJob(desk: TrainingDesk, ref: JobRef, job: TrainingJob): Promise<void> {
  switch (job.state) {
    case 'created':
      return prepare(desk, ref);
    case 'starting':
      return submit(desk, ref, job);
    case 'training':
    case 'cancelling':
      return void (await observeJob(desk, ref));
    case 'ending':
      await finishEnding(desk, ref);
      return clearUp(desk, ref, job);
    case 'cancelled':
      // Cancelled while it was being started: whoever started it may have died right after.
      await stopAttempts(desk, job);
      return clearUp(desk, ref, job);
    case 'failed':
      return clearUp(desk, ref, job);
    default:
      return;
  }
}

/** What a job that ended without a model left in storage is removed by what would have imported its model. */
async function clearUp({ imports }: TrainingDesk, ref: JobRef, job: TrainingJob): Promise<void> {
  if (job.verdict?.outcome !== 'succeeded' && job.attempts.length > 0)
    await imports.send({ kind: 'import', ...ref });
}

/** Starts the jobs whose turn it is. What this message does not come to has a message of its own, or the reconciler. */
export async function startNext(desk: TrainingDesk): Promise<void> {
  const open = await desk.jobs.listOpen();
  for (const job of pickNext(open, desk.slots, desk.world.clock()).slice(0, JOB_LIMITS.startsAtOnce)) {
    const ref = { tenantId: job.tenantId, jobId: job.id };
    const claimed = await claimSlot(desk, ref);
    if (claimed.outcome === 'changed') await submit(desk, ref, claimed.job);
  }
}

/** Makes the dataset version, where nobody else is at it; some take minutes, and a message may come twice. */
async function prepare(desk: TrainingDesk, ref: JobRef): Promise<void> {
  if (await isTenantBusy(desk, ref)) return desk.queue.send(ref, JOB_LIMITS.firstPutOffMs / 1_000);
  const begun = await changeJob(desk, ref, (job) => beginPreparing(job, desk.world.clock()));
  if (begun.outcome === 'changed' && begun.job.state === 'created') await makeVersion(desk, ref, begun.job);
  await finishEnding(desk, ref);
}

const isPreparing = ({ state, putOff: { untilMs } }: TrainingJob, nowMs: number): boolean =>
  state === 'created' && untilMs > nowMs;

async function isTenantBusy({ jobs, world }: TrainingDesk, { tenantId, jobId }: JobRef): Promise<boolean> {
  const others = (await jobs.listOpen()).filter((job) => job.tenantId === tenantId && job.id !== jobId);
  const nowMs = world.clock();
  return others.filter((job) => isPreparing(job, nowMs)).length >= JOB_LIMITS.preparingPerTenant;
}

function beginPreparing(job: TrainingJob, nowMs: number): Move | undefined {
  if (job.state !== 'created' || isPreparing(job, nowMs)) return undefined;
  const times = job.putOff.times + 1;
  if (times > JOB_LIMITS.preparations)
    return decideEnding(job, { outcome: 'failed', error: NOT_PREPARED, charged: false }, nowMs);
  const untilMs = nowMs + JOB_LIMITS.silentWorkMs;
  return { job: moveJob(job, 'created', nowMs, { putOff: { times, untilMs } }), told: null };
}

async function makeVersion(desk: TrainingDesk, ref: JobRef, job: TrainingJob): Promise<void> {
  const prepared = await prepareJob(desk, job);
  const nowMs = desk.world.clock();
  await changeJob(desk, ref, (now) => {
    if (now.state !== 'created') return undefined;
    if (!prepared.ok)
      return decideEnding(now, { outcome: 'failed', error: prepared.error, charged: true }, nowMs);
    const { training, validation } = prepared.value.examples;
    return {
      job: moveJob(now, 'waiting', nowMs, { dataset: prepared.value, putOff: { times: 0, untilMs: 0 } }),
      told: {
        level: 'info',
        message: `Files validated, ${training} examples to train on and ${validation} to validate with; the job is queued`,
      },
    };
  });
}

const NOT_PREPARED = {
  code: 'dataset_failed',
  message: 'The dataset version could not be made, by our fault. Nothing was charged; tell us of it.',
  param: null,
} as const;

/** Takes a slot. The attempt is written down before SageMaker hears of it, so that it is found whatever happens. */
const claimSlot = (desk: TrainingDesk, ref: JobRef): Promise<Changed> =>
  changeJob(desk, ref, (job) => {
    const nowMs = desk.world.clock();
    if (job.state !== 'waiting' || job.putOff.untilMs > nowMs) return undefined;
    const name = attemptName(desk.namePrefix, job, job.attempts.length + 1);
    const attempt = {
      name,
      startedAtMs: nowMs,
      billableSeconds: null,
      trainingSeconds: null,
      costMicroUsd: null,
    };
    return {
      job: moveJob(job, 'starting', nowMs, { attempts: [...job.attempts, attempt], phase: null }),
      told: null,
    };
  });

async function submit(desk: TrainingDesk, ref: JobRef, job: TrainingJob): Promise<void> {
  const attempt = job.attempts.at(-1);
  if (attempt === undefined) throw new Error(`${job.id} is starting without an attempt`);
  const created = await desk.training.create(trainingRequest(job, attempt.name));
  if (!created.ok) return refused(desk, ref, created.error);
  const changed = await changeJob(desk, ref, (now) =>
    now.state === 'starting'
      ? {
          job: moveJob(now, 'training', desk.world.clock()),
          told: { level: 'info', message: 'Fine-tuning job started: an instance is being prepared' },
        }
      : undefined,
  );
  if (changed.outcome === 'unknown' || changed.job.state === 'training') return;
  // Cancelled in the meantime.
  await observeJob(desk, ref);
  await stopAttempts(desk, changed.job);
}

/** SageMaker did not take it: it waits and is tried again, or ends where no wait will help. */
async function refused(desk: TrainingDesk, ref: JobRef, { code, message }: TrainingRefused): Promise<void> {
  desk.log.warn('a training job was not taken', { jobId: ref.jobId, code, detail: message });
  if (code !== 'invalid') return putOff(desk, ref, REASONS[code]);
  await changeJob(desk, ref, (job) =>
    job.state === 'starting'
      ? decideEnding(job, { outcome: 'failed', error: REFUSED, charged: false }, desk.world.clock())
      : undefined,
  );
  await finishEnding(desk, ref);
}

const REASONS = {
  quota: 'All training instances are in use at the moment',
  throttled: 'The training service is busy at the moment',
  capacity: 'No training capacity is free at the moment',
} as const;

const REFUSED = {
  code: 'training_failed',
  message: 'The training could not be started, by our fault. Nothing was charged; tell us of it.',
  param: null,
} as const;
