import type { DatasetTools } from '#core/datasets/ports.ts';
import type { FileObjects, FileStore } from '#core/files/ports.ts';
import type { Ledger } from '#core/ledger/ports.ts';
import type { PriceBookSource } from '#core/pricing/ports.ts';
import type { TenantId, TrainingJobId } from '#core/shared/ids.ts';
import type { Result } from '#core/shared/result.ts';
import type { World } from '#core/shared/world.ts';
import type { Directory } from '#core/tenants/ports.ts';
import type { JobEvent, LoraRank, TrainingJob } from './types.ts';

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

/** What SageMaker does for training. Each may be repeated; each throws what the network throws. */
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
export type TrainingQueue = {
  /** `delaySeconds` ≤ 900. */
  readonly send: (message: TrainingMessage, delaySeconds?: number) => Promise<void>;
};

/** A message of the adapters queue: a job's adapter waits to be scanned, deployed and probed. */
export type ImportMessage = { readonly kind: 'import' } & TrainingMessage;
export type ImportQueue = { readonly send: (message: ImportMessage) => Promise<void> };

/** How many jobs may be with SageMaker at once, in `SLOT_STATES`. */
export type SlotLimits = { readonly perTenant: number; readonly overall: number };

/** One change of a job: from exactly what was read to what it becomes, and the event that tells of it. */
export type JobChange = {
  readonly before: TrainingJob;
  readonly after: TrainingJob;
  readonly event: JobEvent | null;
};

/**
 * The records of jobs. Every one is found by its tenant and its id together. Reads of one job and of a tenant's
 * list are strongly consistent.
 */
export type JobStore = {
  /** False when there is one of this id, or one that the same request key made. */
  readonly create: (draft: TrainingJob) => Promise<boolean>;
  /** The job that a request key made. */
  readonly findByKey: (tenantId: TenantId, hash: string) => Promise<TrainingJobId | undefined>;
  readonly read: (tenantId: TenantId, id: TrainingJobId) => Promise<TrainingJob | undefined>;
  /** Newest first, drafts left out, after the job that `after` names. */
  readonly list: (
    tenantId: TenantId,
    page: { readonly limit: number; readonly after?: TrainingJobId },
  ) => Promise<{ readonly jobs: readonly TrainingJob[]; readonly more: boolean }>;
  /** Every job that has not ended, oldest first, at most `JOB_LIMITS.openJobs`. A moment old. */
  readonly listOpen: () => Promise<readonly TrainingJob[]>;
  /** A job that has not ended, by its id alone. A moment old. */
  readonly findOpen: (id: TrainingJobId) => Promise<TrainingJob | undefined>;
  /**
   * Writes a change, its event, and the slot that it takes or leaves, all or nothing. `moved`: the job is not as
   * `before` says. `no_slot`: it takes a slot, and there is none.
   */
  readonly change: (change: JobChange, slots: SlotLimits) => Promise<'written' | 'moved' | 'no_slot'>;
  /** Removes a draft that is as given, and frees its request key; false when it is not. */
  readonly removeDraft: (draft: TrainingJob) => Promise<boolean>;
  /** Newest first; a job has at most `JOB_LIMITS.events`. */
  readonly events: (tenantId: TenantId, id: TrainingJobId) => Promise<readonly JobEvent[]>;
};

/** What changing jobs works with. */
export type JobDesk = {
  readonly world: Pick<World, 'clock'>;
  readonly jobs: JobStore;
  readonly ledger: Pick<Ledger, 'settle' | 'voidHold'>;
  readonly slots: SlotLimits;
  readonly queue: TrainingQueue;
  /** Counts a job that failed by our fault, whichever function ended it. */
  readonly countFailure: () => void;
};

/** What taking jobs in works with. */
export type JobIntake = JobDesk & {
  readonly world: World;
  readonly ledger: Pick<Ledger, 'settle' | 'voidHold' | 'placeHold'>;
  readonly files: Pick<FileStore, 'read'>;
  readonly objects: Pick<FileObjects, 'read'>;
  readonly directory: Pick<Directory, 'readTenant'>;
  readonly books: Pick<PriceBookSource, 'current'>;
  /** What the endpoint serves. */
  readonly maxRank: LoraRank;
};

/** A text that is written as it comes, without being held. Nothing is there before `close`. */
export type LineWriter = {
  readonly write: (line: string) => Promise<void>;
  readonly close: () => Promise<void>;
  /** Leaves nothing behind. */
  readonly abort: () => Promise<void>;
};

/** What making a job's dataset version works with. */
export type VersionMaker = {
  readonly objects: Pick<FileObjects, 'read' | 'put'>;
  readonly openLines: (key: string) => LineWriter;
  readonly tools: () => Promise<DatasetTools>;
};

/** What following jobs works with. It can stop training jobs and not create any. */
export type FollowDesk = JobDesk & {
  readonly objects: Pick<FileObjects, 'read'>;
  readonly training: Pick<TrainingService, 'describe' | 'stop'>;
  readonly imports: ImportQueue;
  /** What names of training jobs begin with, `tunegate-prod`: they are unique in an account. */
  readonly namePrefix: string;
  /** An instance's price in millionths of a dollar an hour, on demand: billable seconds count spot's saving already. */
  readonly instanceMicroUsdPerHour: number;
  readonly log: {
    readonly warn: (message: string, fields: Readonly<Record<string, unknown>>) => void;
  };
};

/** What starting jobs works with. */
export type TrainingDesk = FollowDesk & VersionMaker & { readonly training: TrainingService };
