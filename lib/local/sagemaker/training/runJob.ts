import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openBoundedLog } from '#local/start/boundedLog.ts';
import { atDeadline } from './deadline.ts';
import { type JobContainer, startJobContainer, type TrainerChoice } from './jobContainer.ts';
import { type JobRecord, type SecondaryStatus, withoutInstance } from './jobRecord.ts';
import type { JobStore } from './jobStore.ts';
import { makeLogMetrics } from './logMetrics.ts';

/** Why a job's container is told to end before it is done. */
export type EndReason = 'stopped' | 'interrupted' | 'max_runtime' | 'max_wait' | 'shut_down';

/** A job while it has an instance. */
export type Run = { readonly ended: Promise<void>; readonly end: (why: EndReason) => void };

/** The record of one job, and how it is changed. */
export type JobHandle = {
  readonly name: string;
  readonly read: () => JobRecord;
  readonly enter: (status: SecondaryStatus, changed?: Partial<JobRecord>) => void;
  /** Tells nobody. */
  readonly change: (changed: Partial<JobRecord>) => void;
};

/** SageMaker's own time between SIGTERM and SIGKILL. */
const GRACE_MS = 120_000;
/** The next start goes on from the last checkpoint, so a step that takes long may be lost. */
const SHUT_DOWN_GRACE_MS = 1_000;
const COPY_EVERY_MS = 1_000;
/** An instance that is lost on the way to each result is no accident. */
const MAX_LOSSES = 5;
const SIGNALLED = 128;
const INTERRUPTED = 143;

type Options = {
  readonly handle: JobHandle;
  readonly store: JobStore;
  readonly trainer: TrainerChoice;
  readonly nowMs: () => number;
};

/** Gives a job an instance: data from S3, the trainer's process, checkpoints and the model to S3. Never rejects. */
export function runJob(options: Options): Run {
  const { handle, store } = options;
  const told = new Set<EndReason>();
  let container: JobContainer | undefined;
  const end = (why: EndReason): void => {
    told.add(why);
    container?.terminate(why === 'shut_down' ? SHUT_DOWN_GRACE_MS : GRACE_MS);
  };
  const start = (onLine: (line: string) => void): JobContainer => {
    container = startJobContainer({
      trainer: options.trainer,
      mlRoot: store.mlRoot(handle.name),
      environment: handle.read().request.Environment ?? {},
      onLine,
    });
    return container;
  };
  return { end, ended: work({ ...options, told, start, end }).catch((error) => fail(options, told, error)) };
}

type Work = Options & {
  readonly told: ReadonlySet<EndReason>;
  readonly start: (onLine: (line: string) => void) => JobContainer;
  readonly end: (why: EndReason) => void;
};

async function work(run: Work): Promise<void> {
  const { handle, store, told, nowMs } = run;
  const { request, trainingStartedAtMs } = handle.read();
  const root = store.mlRoot(handle.name);
  const began = nowMs();
  handle.enter('Downloading', {
    runningSinceMs: began,
    aliveAtMs: began,
    trainingStartedAtMs: trainingStartedAtMs ?? began,
  });
  // Loaded when a job runs: a product that trains nothing need not hold the SDK in its memory.
  const [files, { makeLocalS3 }] = await Promise.all([
    import('./jobFiles.ts'),
    import('#local/sagemaker/s3Objects.ts'),
  ]);
  const s3 = makeLocalS3();
  try {
    await files.prepareFolder(s3, root, request);
    if (told.size > 0) return await finish(run, INTERRUPTED, async () => undefined);
    const copy =
      request.CheckpointConfig === undefined
        ? async () => undefined
        : files.makeCheckpointCopy(s3, root, request.CheckpointConfig.S3Uri);
    const code = await train(run, copy);
    await finish(run, code, () => files.uploadModel(s3, root, request));
  } finally {
    s3.destroy();
  }
}

/** Runs the container to its end, and keeps the record and S3 in step with it. */
async function train(run: Work, copy: () => Promise<void>): Promise<number> {
  const { handle, told, nowMs } = run;
  const { request, trainedMs, metrics: known } = handle.read();
  const log = openBoundedLog(run.store.logFile(handle.name));
  const metrics = makeLogMetrics(request, known);
  // What a container of before left: a failure of its own is read after it has ended.
  rmSync(join(run.store.mlRoot(handle.name), 'output'), { recursive: true, force: true });
  handle.enter('Training');
  const container = run.start((line) => {
    log.write(line);
    metrics.read(line, nowMs());
  });
  const leftMs = request.StoppingCondition.MaxRuntimeInSeconds * 1_000 - trainedMs;
  const limit = atDeadline(nowMs() + leftMs, () => run.end('max_runtime'));
  let code: number | undefined;
  const ended = container.ended.then((ending) => {
    code = ending;
  });
  while (code === undefined) {
    await Promise.race([ended, sleep(COPY_EVERY_MS, undefined, { ref: false })]);
    handle.change({ aliveAtMs: nowMs(), metrics: metrics.values() });
    if (code === undefined) await copy().catch((error: unknown) => console.error(error));
  }
  limit.cancel();
  if (!told.has('shut_down')) await copy();
  return code;
}

async function finish(run: Work, code: number, upload: () => Promise<string | undefined>): Promise<void> {
  const { handle, store, told, nowMs } = run;
  if (told.has('shut_down')) return; // it is as it was, and goes on at the next start
  const freed = (): Partial<JobRecord> => withoutInstance(handle.read(), nowMs());
  const cut = cutOff(told);
  if (code !== 0 && cut === undefined) {
    const lost = code >= SIGNALLED && !told.has('interrupted');
    const losses = handle.read().losses + (lost ? 1 : 0);
    if (
      code >= SIGNALLED &&
      handle.read().request.EnableManagedSpotTraining === true &&
      losses <= MAX_LOSSES
    ) {
      store.clear(handle.name);
      return handle.enter('Interrupted', { ...freed(), losses });
    }
    const failureReason = `AlgorithmError: ${failureOf(store, handle.name)}, exit code: ${code}`;
    store.clear(handle.name);
    return handle.enter('Failed', { ...freed(), failureReason });
  }
  if (cut === undefined) handle.enter('Uploading');
  const artifactUri = (await upload()) ?? null;
  store.clear(handle.name);
  handle.enter(cut ?? 'Completed', { ...freed(), artifactUri });
}

/** What the job ends with when it was told to; whoever interrupts it only takes the instance. */
function cutOff(told: ReadonlySet<EndReason>): SecondaryStatus | undefined {
  if (told.has('stopped')) return 'Stopped';
  if (told.has('max_wait')) return 'MaxWaitTimeExceeded';
  return told.has('max_runtime') ? 'MaxRuntimeExceeded' : undefined;
}

function failureOf(store: JobStore, name: string): string {
  const file = join(store.mlRoot(name), 'output/failure');
  return existsSync(file) ? readFileSync(file, 'utf8').slice(0, 1_024) : 'the container wrote no reason';
}

function fail({ handle, store, nowMs }: Options, told: ReadonlySet<EndReason>, error: unknown): void {
  if (told.has('shut_down')) return; // S3 may have ended before
  console.error(error);
  const failureReason =
    error instanceof Error && error.name === 'InputProblem'
      ? `ClientError: ${error.message}`
      : 'InternalServerError: We encountered an internal error. Please try again.';
  store.clear(handle.name);
  handle.enter('Failed', { ...withoutInstance(handle.read(), nowMs()), failureReason });
}
