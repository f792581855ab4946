import type { TenantId, TrainingJobId } from '#core/shared/ids.ts';
import type { Result } from '#core/shared/result.ts';

/**
 * One training job of SageMaker to be created. Keys and prefixes are within the tenant data bucket; image, role,
 * instance, spot, network isolation and the container's code are the driver's configuration.
 */
export type TrainingRequest = {
  /** At most 63 characters of `[A-Za-z0-9-]`. The same name always means the same request. */
  readonly name: string;
  /** Tags `tunegate:tenant` and `tunegate:job`. */
  readonly tenantId: TenantId;
  readonly jobId: TrainingJobId;
  /** Prefixes, one folder a channel. `settings` holds one JSON file with the trainer's camelCase settings. */
  readonly channels: {
    readonly base: string;
    readonly train: string;
    /** Null: nothing is held apart. */
    readonly validation: string | null;
    readonly settings: string;
  };
  /** S3OutputPath: the archive comes to `<outputPrefix><name>/output/model.tar.gz`. */
  readonly outputPrefix: string;
  /**
   * CheckpointConfig.S3Uri, which SageMaker keeps equal with `/opt/ml/checkpoints`. All attempts of a job share it.
   * The trainer appends its progress to `progress.jsonl` there: see `ProgressLine`.
   */
  readonly checkpointPrefix: string;
  /** MaxRuntimeInSeconds, and MaxWaitTimeInSeconds of managed spot (never the smaller of the two). */
  readonly maxSeconds: number;
  readonly maxWaitSeconds: number;
};

/**
 * Why SageMaker did not take a training job now. `quota`: ResourceLimitExceeded; `throttled`: too many calls, or a
 * failure of SageMaker's own (5xx, time-out); `capacity`: no instances. `invalid`: it never will take this one.
 */
export type TrainingRefused = {
  readonly code: 'quota' | 'throttled' | 'capacity' | 'invalid';
  readonly message: string;
};

/** A training job as DescribeTrainingJob tells it. */
export type TrainingState = {
  readonly status: 'in_progress' | 'completed' | 'failed' | 'stopping' | 'stopped';
  /** SecondaryStatus as it is: Starting, Pending, Downloading, Training, Interrupted, MaxRuntimeExceeded, … */
  readonly secondaryStatus: string;
  /**
   * FailureReason as it is; null when there is none. `AlgorithmError: … code: message` has what the container wrote,
   * `CapacityError: …` says that there were no instances.
   */
  readonly failureReason: string | null;
  /** The archive's key in the tenant data bucket; null until it is there. */
  readonly artifactKey: string | null;
  readonly trainingSeconds: number | null;
  readonly billableSeconds: number | null;
  /** The last of each metric that `metricDefinitions.ts` names, `train:loss` → 0.31. */
  readonly metrics: Readonly<Record<string, number>>;
};

/** What SageMaker does for training. Each may be repeated; each throws what the network throws.  * @public
 */
export type TrainingService = {
  /** `exists`: a job of this name is there already, created by an attempt whose answer was lost. */
  readonly create: (request: TrainingRequest) => Promise<Result<'created' | 'exists', TrainingRefused>>;
  /** Undefined: there is no job of this name. */
  readonly describe: (name: string) => Promise<TrainingState | undefined>;
  /** One that ended already, or is not there, is no error. */
  readonly stop: (name: string) => Promise<void>;
};

/**
 * One line of `progress.jsonl`, which every trainer writes into its checkpoints' folder: at each epoch's end, and
 * between them so that there are at least 50 and at most 500 of a job. Lines are appended, also by a job that resumes.
 * @public
 */
export type ProgressLine = {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** Steps done, of all `steps`. */
  readonly step: number;
  readonly steps: number;
  /** Epochs done, with their part: 1.5. */
  readonly epoch: number;
  readonly trainLoss: number;
  readonly tokensPerSecond: number;
  /** At an epoch's end. */
  readonly validationLoss?: number;
  readonly validationExact?: number;
};

/** A message of the training queue: look whether this job, or another one, can start. */
export type TrainingMessage = { readonly tenantId: TenantId; readonly jobId: TrainingJobId };
/** @public */
export type TrainingQueue = {
  /** `delaySeconds` ≤ 900. */
  readonly send: (message: TrainingMessage, delaySeconds?: number) => Promise<void>;
};

/** A message of the adapters queue: a job's adapter waits to be scanned, deployed and probed. */
export type ImportMessage = { readonly kind: 'import' } & TrainingMessage;
/** @public */
export type ImportQueue = { readonly send: (message: ImportMessage) => Promise<void> };
