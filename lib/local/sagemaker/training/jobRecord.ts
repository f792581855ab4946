import * as z from 'zod/mini';
import { CreateTrainingJobInput } from './createInput.ts';

/** SecondaryStatus, and the TrainingJobStatus that it belongs to. */
const PRIMARY = {
  Starting: 'InProgress',
  Pending: 'InProgress',
  Downloading: 'InProgress',
  Training: 'InProgress',
  Interrupted: 'InProgress',
  Uploading: 'InProgress',
  Stopping: 'Stopping',
  Completed: 'Completed',
  Failed: 'Failed',
  Stopped: 'Stopped',
  MaxRuntimeExceeded: 'Stopped',
  MaxWaitTimeExceeded: 'Stopped',
} as const;
export type SecondaryStatus = keyof typeof PRIMARY;
export type PrimaryStatus = (typeof PRIMARY)[SecondaryStatus];

/** What SageMaker says in a transition's StatusMessage. */
const MESSAGES: Record<SecondaryStatus, string> = {
  Starting: 'Preparing the instances for training',
  Pending: 'Training job waiting for capacity',
  Downloading: 'Downloading input data',
  Training: 'Training image download completed. Training in progress.',
  Interrupted: 'Training job interrupted. The instance was taken back.',
  Uploading: 'Uploading generated training model',
  Stopping: 'Stopping the training job',
  Completed: 'Training job completed',
  Failed: 'Training job failed',
  Stopped: 'Training job stopped',
  MaxRuntimeExceeded: 'Training job runtime exceeded MaxRuntimeInSeconds provided',
  MaxWaitTimeExceeded: 'Training job wait time exceeded MaxWaitTimeInSeconds provided',
};

const Secondary = z.enum(Object.keys(PRIMARY).filter((name): name is SecondaryStatus => name in PRIMARY));
const JobRecord = z.object({
  request: CreateTrainingJobInput,
  secondaryStatus: Secondary,
  transitions: z.array(
    z.object({ status: Secondary, startMs: z.int(), endMs: z.nullable(z.int()), message: z.string() }),
  ),
  createdAtMs: z.int(),
  updatedAtMs: z.int(),
  /** When an instance first began to download its data. */
  trainingStartedAtMs: z.nullable(z.int()),
  endedAtMs: z.nullable(z.int()),
  /** On instances that are gone; on the one at work since `runningSinceMs`, as was last known at `aliveAtMs`. */
  trainedMs: z.int(),
  runningSinceMs: z.nullable(z.int()),
  aliveAtMs: z.int(),
  /** How often an instance was lost. */
  losses: z.int(),
  failureReason: z.nullable(z.string()),
  artifactUri: z.nullable(z.string()),
  metrics: z.record(z.string(), z.object({ value: z.number(), atMs: z.int() })),
});
/** A training job as it is kept on disk. */
export type JobRecord = Readonly<z.infer<typeof JobRecord>>;

export const parseJobRecord = (json: string): JobRecord => z.parse(JobRecord, JSON.parse(json));

export const newJobRecord = (request: CreateTrainingJobInput, atMs: number): JobRecord =>
  entered(
    {
      request,
      secondaryStatus: 'Starting',
      transitions: [],
      createdAtMs: atMs,
      updatedAtMs: atMs,
      trainingStartedAtMs: null,
      endedAtMs: null,
      trainedMs: 0,
      runningSinceMs: null,
      aliveAtMs: atMs,
      losses: 0,
      failureReason: null,
      artifactUri: null,
      metrics: {},
    },
    'Starting',
    atMs,
  );

/** The record after its next transition; the one before ends now. */
export function entered(
  record: JobRecord,
  status: SecondaryStatus,
  atMs: number,
  message = MESSAGES[status],
): JobRecord {
  const before = record.transitions.map((transition) =>
    transition.endMs === null ? { ...transition, endMs: atMs } : transition,
  );
  const endMs = isEnd(status) ? atMs : null;
  return {
    ...record,
    secondaryStatus: status,
    transitions: [...before, { status, startMs: atMs, endMs, message }],
    updatedAtMs: atMs,
    endedAtMs: isEnd(status) ? atMs : null,
  };
}

/** The record when the instance is no longer there: its time is counted. */
export function withoutInstance(record: JobRecord, untilMs: number): JobRecord {
  const ranMs = record.runningSinceMs === null ? 0 : Math.max(0, untilMs - record.runningSinceMs);
  return { ...record, trainedMs: record.trainedMs + ranMs, runningSinceMs: null };
}

export const primaryStatus = ({ secondaryStatus }: JobRecord): PrimaryStatus => PRIMARY[secondaryStatus];

export const hasEnded = (record: JobRecord): boolean => isEnd(record.secondaryStatus);

function isEnd(status: SecondaryStatus): boolean {
  const primary = PRIMARY[status];
  return primary !== 'InProgress' && primary !== 'Stopping';
}

/** Waits for a turn, an instance, or the next instance. */
export const isWaiting = ({ secondaryStatus }: JobRecord): boolean =>
  secondaryStatus === 'Starting' || secondaryStatus === 'Pending' || secondaryStatus === 'Interrupted';
