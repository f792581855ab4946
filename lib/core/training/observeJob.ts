import { type Changed, changeJob, type JobRef, type Move } from './changeJob.ts';
import { decideEnding, finishEnding } from './endJob.ts';
import type { FollowDesk, TrainingState } from './ports.ts';
import { epochsOf, metricsOf, readProgress } from './progress.ts';
import { GAVE_UP, waitAgain, wakeLater } from './putOff.ts';
import { readFailure } from './readFailure.ts';
import { attemptName } from './trainingRequest.ts';
import { isEnded, moveJob } from './transitions.ts';
import type { JobMetrics, TrainingJob } from './types.ts';

/** What was learnt of an attempt: what SageMaker says of it, and what its trainer told. */
type Sighting = {
  readonly state: TrainingState | undefined;
  readonly epochs: number;
  readonly metrics: JobMetrics;
};

/**
 * Looks at what SageMaker does with a job, and does what follows from it. It is asked and not told, so that events
 * may come twice, late and in any order.
 */
export async function observeJob(desk: FollowDesk, ref: JobRef): Promise<void> {
  const job = await desk.jobs.read(ref.tenantId, ref.jobId);
  const attempt = job?.attempts.at(-1);
  if (job === undefined || attempt === undefined || !isFollowed(job)) return;
  const sighting = await look(desk, job, attempt.name);
  if (job.state === 'cancelling' && sighting.state?.status === 'in_progress')
    await desk.training.stop(attempt.name);
  const changed = await changeJob(desk, ref, (now) =>
    now.attempts.at(-1)?.name === attempt.name ? decide(desk, now, sighting) : undefined,
  );
  await follow(desk, ref, changed);
  await finishEnding(desk, ref);
}

const isFollowed = ({ state }: TrainingJob): boolean =>
  state === 'starting' || state === 'training' || state === 'cancelling';

async function look(desk: FollowDesk, job: TrainingJob, name: string): Promise<Sighting> {
  const state = await desk.training.describe(name);
  const lines =
    state === undefined || state.status === 'in_progress' ? [] : await readProgress(desk.objects, job);
  return { state, epochs: epochsOf(lines), metrics: metricsOf(lines) };
}

/** What a job's new state asks for besides: an import, or a look at who may start now. */
async function follow(desk: FollowDesk, ref: JobRef, changed: Changed): Promise<void> {
  if (changed.outcome !== 'changed') return;
  if (changed.job.state === 'importing') await desk.imports.send({ kind: 'import', ...ref });
  if (changed.job.state === 'waiting') await wakeLater(desk, changed.job);
  else if (changed.job.state !== 'training') await desk.queue.send(ref); // a slot is free
}

function decide(desk: FollowDesk, job: TrainingJob, seen: Sighting): Move | undefined {
  if (!isFollowed(job)) return undefined;
  const { state } = seen;
  if (state === undefined) return job.state === 'cancelling' ? cancelled(desk, job, 0) : undefined;
  if (state.status === 'in_progress' || state.status === 'stopping') return stillAtWork(desk, job, state);
  const billed = withBill(desk, job, state);
  if (job.state === 'cancelling')
    return cancelled(desk, billed, state.status === 'completed' ? job.hyperParameters.epochs : seen.epochs);
  if (state.status === 'completed') return trained(desk, billed, seen, state);
  if (state.status === 'stopped') return stopped(desk, billed, state);
  return failed(desk, billed, seen, state);
}

function cancelled(desk: FollowDesk, job: TrainingJob, trainedEpochs: number): Move {
  return decideEnding({ ...job, trainedEpochs }, { outcome: 'cancelled' }, desk.world.clock());
}

/** Tells what SageMaker is doing, once for each thing. */
function stillAtWork(desk: FollowDesk, job: TrainingJob, state: TrainingState): Move | undefined {
  if (job.state === 'cancelling' || job.phase === state.secondaryStatus) return undefined;
  const text = PHASES[state.secondaryStatus];
  if (text === undefined && job.state === 'training') return undefined;
  return {
    job: moveJob(job, 'training', desk.world.clock(), {
      phase: state.secondaryStatus,
      // An instance was found: a later wait begins anew.
      ...(state.secondaryStatus === 'Training' ? { putOff: { times: 0, untilMs: 0 } } : {}),
    }),
    told: text === undefined ? null : { level: 'info', message: text },
  };
}

const PHASES: Readonly<Record<string, string>> = {
  Pending: 'Waiting for an instance',
  Downloading: 'The data is being brought to the instance',
  Training: 'Training has begun',
  Interrupted: 'The instance was taken back; training goes on from the last checkpoint on another one',
  Uploading: 'Trained; the adapter is being stored',
};

function trained(desk: FollowDesk, job: TrainingJob, seen: Sighting, state: TrainingState): Move {
  if (state.artifactKey === null)
    return decideEnding(job, { outcome: 'failed', error: NO_ARTIFACT, charged: false }, desk.world.clock());
  return {
    job: moveJob(job, 'importing', desk.world.clock(), {
      artifactKey: state.artifactKey,
      trainedEpochs: job.hyperParameters.epochs,
      metrics: filled(seen.metrics, state.metrics),
      phase: state.secondaryStatus,
    }),
    told: { level: 'info', message: 'Training has ended; the adapter is being checked and deployed' },
  };
}

const NO_ARTIFACT = {
  code: 'training_failed',
  message: 'The training left no adapter, by our fault. Nothing was charged; create the job again.',
  param: null,
} as const;

/** SageMaker's last numbers, where the trainer's own file is lacking. */
const filled = (own: JobMetrics, told: TrainingState['metrics']): JobMetrics => ({
  trainLoss: own.trainLoss ?? told['train:loss'] ?? null,
  validationLoss: own.validationLoss ?? told['validation:loss'] ?? null,
  validationExact: own.validationExact ?? told['validation:exact'] ?? null,
});

function failed(desk: FollowDesk, job: TrainingJob, seen: Sighting, state: TrainingState): Move {
  desk.log.warn('a training job failed', { jobId: job.id, reason: state.failureReason });
  const failure = readFailure(state.failureReason, job);
  if (failure.kind === 'again') return waitAgain(desk, job, failure.message, job.attempts);
  const { error, charged } = failure;
  return decideEnding(
    { ...job, trainedEpochs: seen.epochs, metrics: seen.metrics },
    { outcome: 'failed', error, charged },
    desk.world.clock(),
  );
}

/** Stopped, and not by the client: it ran too long, found no instance, or somebody of the agency stopped it. */
function stopped(desk: FollowDesk, job: TrainingJob, { secondaryStatus }: TrainingState): Move {
  const error =
    secondaryStatus === 'MaxWaitTimeExceeded'
      ? GAVE_UP
      : secondaryStatus === 'MaxRuntimeExceeded'
        ? TOO_LONG
        : STOPPED;
  return decideEnding(job, { outcome: 'failed', error, charged: false }, desk.world.clock());
}

const TOO_LONG = {
  code: 'took_too_long',
  message:
    'The training took longer than a job may. Nothing was charged; train fewer epochs, or fewer examples.',
  param: null,
} as const;

const STOPPED = {
  code: 'stopped',
  message: 'The training was stopped by your provider. Nothing was charged; ask them for the reason.',
  param: null,
} as const;

const HOUR_SECONDS = 3_600;

/** The job with what the attempt cost. Rounded to the nearest millionth of a dollar. */
function withBill(
  { instanceMicroUsdPerHour }: FollowDesk,
  job: TrainingJob,
  { billableSeconds, trainingSeconds }: TrainingState,
): TrainingJob {
  const last = job.attempts.at(-1);
  if (last === undefined) return job;
  const costMicroUsd =
    billableSeconds === null ? null : Math.round((billableSeconds * instanceMicroUsdPerHour) / HOUR_SECONDS);
  const billed = { ...last, billableSeconds, trainingSeconds, costMicroUsd };
  return { ...job, attempts: [...job.attempts.slice(0, -1), billed] };
}

/** Stops whatever of a job that has ended SageMaker may still be at work on, also what it took without our knowing. */
export async function stopAttempts(desk: FollowDesk, job: TrainingJob): Promise<void> {
  if (!isEnded(job) && job.state !== 'ending') return;
  const names = job.attempts.map(({ name }) => name);
  for (const name of [...names.slice(-1), attemptName(desk.namePrefix, job, names.length + 1)])
    await desk.training.stop(name);
}
