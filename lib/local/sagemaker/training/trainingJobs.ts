import { join } from 'node:path';
import { AwsError } from '#local/sagemaker/http.ts';
import type { CreateTrainingJobInput } from './createInput.ts';
import { atDeadline } from './deadline.ts';
import { type StateChangeEvent, stateChangeEvent, trainingJobArn } from './description.ts';
import type { TrainerChoice } from './jobContainer.ts';
import {
  entered,
  hasEnded,
  isWaiting,
  type JobRecord,
  newJobRecord,
  primaryStatus,
  type SecondaryStatus,
  withoutInstance,
} from './jobRecord.ts';
import { openJobStore } from './jobStore.ts';
import { type JobHandle, type Run, runJob } from './runJob.ts';

export type TrainingJobs = {
  /** Throws ResourceInUse, ResourceLimitExceeded or ValidationException, as SageMaker does. */
  readonly create: (request: CreateTrainingJobInput) => Promise<JobRecord>;
  readonly describe: (name: string) => JobRecord;
  readonly list: () => readonly JobRecord[];
  /** Ends a job in an orderly way. Throws ValidationException when it has ended. */
  readonly stop: (name: string) => void;
  /** Takes a spot job's instance away, as AWS does with two minutes' notice. */
  readonly interrupt: (name: string) => void;
  /** The next so many jobs that would begin find no instance. */
  readonly runOutOfCapacity: (times: number) => void;
  /** Ends the trainers; what they were at goes on at the next start. */
  readonly shutDown: () => Promise<void>;
};

const MAX_JOBS = 5_000;
const NO_CAPACITY =
  'CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type.';

/**
 * The training jobs of this machine, kept in `<data>/training-jobs`. So many run at once, the others wait in the order
 * of their creation; what was cut off by an end of this server goes on from its last checkpoint.
 */
export function openTrainingJobs(options: {
  readonly dataDirectory: string;
  readonly trainer: TrainerChoice;
  readonly atOnce: number;
  readonly publish: (event: StateChangeEvent) => void;
  readonly nowMs: () => number;
}): TrainingJobs {
  const { trainer, publish, nowMs } = options;
  const store = openJobStore(join(options.dataDirectory, 'training-jobs'));
  const jobs = new Map(store.readAll().map((record) => [record.request.TrainingJobName, record]));
  const running = new Map<string, Run>();
  let withoutCapacity = 0;
  let closed = false;

  const find = (name: string): JobRecord => {
    const record = jobs.get(name);
    if (record === undefined) throw refused('Requested resource not found.');
    return record;
  };
  const keep = (record: JobRecord): void => {
    jobs.set(record.request.TrainingJobName, record);
    store.write(record);
  };
  const handleOf = (name: string): JobHandle => ({
    name,
    read: () => find(name),
    change: (changed) => keep({ ...find(name), ...changed }),
    enter: (status, changed = {}) => {
      keep(entered({ ...find(name), ...changed }, status, nowMs()));
      publish(stateChangeEvent(find(name)));
    },
  });

  const startNext = (): void => {
    if (closed) return;
    const waiting = [...jobs.values()].filter(isWaiting).sort((a, b) => a.createdAtMs - b.createdAtMs);
    for (const { request } of waiting) {
      if (running.has(request.TrainingJobName)) continue;
      if (running.size < options.atOnce) start(handleOf(request.TrainingJobName));
      else wait(handleOf(request.TrainingJobName));
    }
  };
  const wait = (handle: JobHandle): void => {
    if (handle.read().secondaryStatus !== 'Pending') handle.enter('Pending');
  };
  const start = (handle: JobHandle): void => {
    if (withoutCapacity > 0) {
      withoutCapacity -= 1;
      handle.enter('Failed', { failureReason: NO_CAPACITY });
      return;
    }
    if (handle.read().secondaryStatus === 'Interrupted') handle.enter('Starting');
    const run = runJob({ handle, store, trainer, nowMs });
    running.set(handle.name, run);
    void run.ended.then(() => {
      running.delete(handle.name);
      startNext();
    });
  };

  /** Ends a job that has no instance; one that has is told, and ends when its container did. */
  const end = (name: string, why: 'stopped' | 'max_wait', without: SecondaryStatus): void => {
    const run = running.get(name);
    if (run === undefined) handleOf(name).enter(without, withoutInstance(find(name), find(name).aliveAtMs));
    else run.end(why);
  };
  const watchWait = ({ request, createdAtMs }: JobRecord): void => {
    const { MaxWaitTimeInSeconds } = request.StoppingCondition;
    if (MaxWaitTimeInSeconds === undefined) return;
    atDeadline(createdAtMs + MaxWaitTimeInSeconds * 1_000, () => {
      const { TrainingJobName } = request;
      if (!hasEnded(find(TrainingJobName))) end(TrainingJobName, 'max_wait', 'MaxWaitTimeExceeded');
    });
  };

  const checkNew = (name: string): void => {
    if (jobs.has(name)) {
      throw new AwsError(
        'ResourceInUse',
        400,
        `Training job names must be unique within an AWS account and region, and a training job with this name already exists (${trainingJobArn(name)})`,
      );
    }
    if (jobs.size >= MAX_JOBS) {
      throw new AwsError(
        'ResourceLimitExceeded',
        400,
        `The local SageMaker keeps ${MAX_JOBS} training jobs.`,
      );
    }
  };

  for (const record of jobs.values()) {
    if (hasEnded(record)) continue;
    const { TrainingJobName: name } = record.request;
    const counted = withoutInstance(record, record.aliveAtMs);
    if (primaryStatus(record) === 'Stopping') handleOf(name).enter('Stopped', counted);
    else if (!isWaiting(record)) handleOf(name).enter('Interrupted', counted);
    watchWait(record);
  }
  startNext();

  return {
    create: async (request) => {
      checkNew(request.TrainingJobName);
      const { missingInput } = await import('./jobFiles.ts');
      const missing = await missingInput(request);
      if (missing !== undefined) throw refused(missing);
      checkNew(request.TrainingJobName); // again: another call may have made it meanwhile
      const record = newJobRecord(request, nowMs());
      keep(record);
      publish(stateChangeEvent(record));
      watchWait(record);
      startNext();
      return record;
    },
    describe: find,
    list: () => [...jobs.values()],
    stop: (name) => {
      const record = find(name);
      if (hasEnded(record)) {
        throw refused(
          `The request was rejected because the training job is in status ${primaryStatus(record)}.`,
        );
      }
      if (primaryStatus(record) === 'Stopping') return;
      handleOf(name).enter('Stopping');
      end(name, 'stopped', 'Stopped');
    },
    interrupt: (name) => {
      const run = running.get(name);
      if (find(name).request.EnableManagedSpotTraining !== true || run === undefined) {
        throw refused(`The training job ${name} is not on a spot instance now.`);
      }
      run.end('interrupted');
    },
    runOutOfCapacity: (times) => {
      withoutCapacity = times;
    },
    shutDown: async () => {
      closed = true;
      for (const run of running.values()) run.end('shut_down');
      await Promise.all([...running.values()].map(({ ended }) => ended));
    },
  };
}

const refused = (message: string): AwsError => new AwsError('ValidationException', 400, message);
