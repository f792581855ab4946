import type { AdapterId, FileId, HoldId, KeyId, TenantId, TrainingJobId } from '#core/shared/ids.ts';
import type { MicroCredits } from '#core/shared/money.ts';

/**
 * Where a training job stands.
 * - `draft`: its hold is not placed yet; nobody sees it
 * - `created`: its dataset version is not made yet
 * - `waiting`: for its turn, or for capacity
 * - `starting`: it has a slot; whether SageMaker knows it is not certain
 * - `training`: SageMaker has it
 * - `importing`: trained; its adapter is being scanned and deployed
 * - `cancelling`: the client cancelled it; SageMaker may still be at work
 * - `ending`: decided how it ends; the credits are being settled or given back
 */
export const OPEN_STATES = [
  'draft',
  'created',
  'waiting',
  'starting',
  'training',
  'importing',
  'cancelling',
  'ending',
] as const;
export const END_STATES = ['succeeded', 'failed', 'cancelled'] as const;
export type EndState = (typeof END_STATES)[number];
export type JobState = (typeof OPEN_STATES)[number] | EndState;

export const METHODS = ['supervised'] as const;
export type Method = (typeof METHODS)[number];
export const LORA_RANKS = [8, 16, 32] as const;
export type LoraRank = (typeof LORA_RANKS)[number];

/** What a job is trained with, every `auto` resolved. */
export type HyperParameters = {
  readonly epochs: number;
  readonly batchSize: number;
  /** Times the base model's own learning rate. */
  readonly learningRateMultiplier: number;
  readonly rank: LoraRank;
  /** Which of the above the client left to us; OpenAI's objects then say `auto`. */
  readonly auto: readonly ('epochs' | 'batchSize' | 'learningRateMultiplier' | 'rank')[];
};

/** Changes to questions that give a small model more to learn from, where answers are few classes. */
export type Augmentation = {
  /** The share of words that are left out of a question, anew in each epoch. */
  readonly wordDropout: number;
  /** The share of questions to which another one with the same answer is joined. */
  readonly joinSameAnswer: number;
  /** The share of questions whose words are put in another order: most classes are told by their words. */
  readonly shuffleWords: number;
};

/** How the dataset version is made from the file. */
export type DatasetOptions = {
  readonly removeDuplicates: 'none' | 'exact' | 'near';
  readonly redactPii: boolean;
  /** Held apart to watch the training, when the job has no validation file. From 0 to 0.5. */
  readonly validationShare: number;
};

/** What the job can cost at most, and by which price; settled by the same, whatever the price book says by then. */
export type Quote = {
  /** Of the file, one epoch. */
  readonly tokensPerEpoch: number;
  readonly amountMicro: MicroCredits;
  /** For a million tokens, every epoch counted. */
  readonly perMillionTokensMicro: MicroCredits;
  readonly priceBook: { readonly id: string; readonly version: number };
};

/** The immutable dataset version that the job learns from. Its files are under `versionPrefix`. */
export type JobDataset = {
  readonly sha256: string;
  readonly validationSha256: string | null;
  readonly examples: { readonly training: number; readonly validation: number };
  readonly removed: { readonly exact: number; readonly near: number };
  readonly redacted: number;
  /** Of the training side, one epoch. */
  readonly tokensPerEpoch: number;
};

/** One training job of SageMaker. Its name is `tunegate-<environment>-<job>-<number>`, so the same attempt can be made once only. */
export type Attempt = {
  readonly name: string;
  readonly startedAtMs: number;
  /** Null until SageMaker told. */
  readonly billableSeconds: number | null;
  readonly trainingSeconds: number | null;
  /** What its billable seconds cost the agency, in millionths of a dollar. */
  readonly costMicroUsd: number | null;
};

export type JobMetrics = {
  readonly trainLoss: number | null;
  readonly validationLoss: number | null;
  /** Share of held-out examples whose whole answer is right, token for token. */
  readonly validationExact: number | null;
};

export type JobError = {
  readonly code: string;
  readonly message: string;
  /** OpenAI's field that was at fault, `training_file` or `validation_file`. */
  readonly param: 'training_file' | 'validation_file' | null;
};

/** How a job ends. Written before any credits move, so that a repeat moves the same. */
export type Verdict = {
  readonly outcome: EndState;
  /** Tokens that are charged, every epoch counted. */
  readonly chargedTokens: number;
  readonly chargedMicro: MicroCredits;
  readonly error: JobError | null;
  /** The model that can be called; of a success alone. */
  readonly fineTunedModel: string | null;
};

/** An earlier epoch's end of a job that succeeded, kept as an adapter of its tenant. */
export type JobCheckpoint = {
  readonly epoch: number;
  readonly step: number;
  readonly adapterId: AdapterId;
  /** The model name that it answers under while it is deployed. */
  readonly model: string;
};

/** Of the header `Idempotency-Key` and of the request that came with it: SHA-256, for neither needs to be kept. */
export type RequestKey = { readonly hash: string; readonly bodyHash: string };

export type TrainingJob = {
  readonly id: TrainingJobId;
  readonly tenantId: TenantId;
  readonly keyId: KeyId;
  readonly holdId: HoldId;
  /** Grows by one with each change: the optimistic lock, and the number of the event that tells of it. */
  readonly version: number;
  readonly state: JobState;
  readonly baseModel: string;
  readonly method: Method;
  readonly trainingFile: FileId;
  readonly validationFile: FileId | null;
  readonly hyperParameters: HyperParameters;
  readonly augmentation: Augmentation;
  readonly datasetOptions: DatasetOptions;
  readonly suffix: string | null;
  readonly seed: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** Null: the request that made the job bore none. */
  readonly requestKey: RequestKey | null;
  readonly quote: Quote;
  readonly dataset: JobDataset | null;
  readonly attempts: readonly Attempt[];
  /** What SageMaker said last of the attempt at work (Downloading, Training, …), so that it is told once. */
  readonly phase: string | null;
  /**
   * How often starting was put off in a row, and until when it is put off now. While the dataset version is made: how
   * often that was begun, and until when whoever makes it is waited for.
   */
  readonly putOff: { readonly times: number; readonly untilMs: number };
  /** The trained adapter's archive in the tenant data bucket. */
  readonly artifactKey: string | null;
  readonly metrics: JobMetrics;
  /** Whole epochs and parts of them that were trained, 0 to `epochs`. */
  readonly trainedEpochs: number;
  readonly verdict: Verdict | null;
  /** Newest first; of a success alone. Null: it ends well, once they are registered. */
  readonly checkpoints: readonly JobCheckpoint[] | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly finishedAtMs: number | null;
};

/** A line of a job's history, as `fine_tuning.job.event` has it. */
export type JobEvent = {
  readonly id: string;
  readonly jobId: TrainingJobId;
  readonly atMs: number;
  readonly level: 'info' | 'warn' | 'error';
  readonly kind: 'message' | 'metrics';
  readonly message: string;
  readonly data: Readonly<Record<string, string | number>> | null;
};
