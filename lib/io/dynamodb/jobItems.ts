import * as z from 'zod/mini';
import { idSchema } from '#core/shared/idSchema.ts';
import type { AdapterId, FileId, HoldId, KeyId, TenantId, TrainingJobId } from '#core/shared/ids.ts';
import { microSchema } from '#core/shared/schemas.ts';
import { isEnded } from '#core/training/transitions.ts';
import {
  END_STATES,
  type JobEvent,
  LORA_RANKS,
  METHODS,
  OPEN_STATES,
  type TrainingJob,
} from '#core/training/types.ts';

/**
 * How jobs lie in their table:
 * - `jobs#<tenant>` / `<job>`: ids sort by time. A job that has not ended is in the index under `open`.
 * - `drafts#<tenant>` / `<job>`: what no list shows.
 * - `keys#<tenant>` / `<hash of the Idempotency-Key>`: the job that it made.
 * - `events#<tenant>#<job>` / `<version>`.
 * - `slots` / `<tenant>`, and `slots` / `all`: the ids of the jobs that SageMaker may be at work on, as a set.
 */
export const OPEN_LIST = 'open';
export const jobList = (tenantId: TenantId) => `jobs#${tenantId}`;
export const jobKey = (tenantId: TenantId, id: TrainingJobId) => ({ pk: jobList(tenantId), sk: id });
export const draftKey = (tenantId: TenantId, id: TrainingJobId) => ({ pk: `drafts#${tenantId}`, sk: id });
export const requestKeyKey = (tenantId: TenantId, hash: string) => ({ pk: `keys#${tenantId}`, sk: hash });
export const eventList = (tenantId: TenantId, id: TrainingJobId) => `events#${tenantId}#${id}`;
export const slotsKey = (of: TenantId | 'all') => ({ pk: 'slots', sk: of });

const VERSION_DIGITS = 8;

/** Where a job lies follows from its state. */
export const keyOf = (job: TrainingJob) =>
  job.state === 'draft' ? draftKey(job.tenantId, job.id) : jobKey(job.tenantId, job.id);

export const jobItem = (job: TrainingJob) => ({
  ...keyOf(job),
  ...(isEnded(job) ? {} : { listPk: OPEN_LIST, listSk: job.id }),
  ...job,
});

export const eventItem = (tenantId: TenantId, version: number, event: JobEvent) => ({
  pk: eventList(tenantId, event.jobId),
  sk: String(version).padStart(VERSION_DIGITS, '0'),
  ...event,
});

const jobId = idSchema<TrainingJobId>('trainingJob');
const fileId = idSchema<FileId>('file');
const count = z.int();
const sides = z.object({ training: count, validation: count });

const HyperParameters = z.object({
  epochs: z.number(),
  batchSize: count,
  learningRateMultiplier: z.number(),
  rank: z.literal(LORA_RANKS),
  auto: z.array(z.enum(['epochs', 'batchSize', 'learningRateMultiplier', 'rank'])),
});

const Dataset = z.object({
  sha256: z.string(),
  validationSha256: z.nullable(z.string()),
  examples: sides,
  removed: z.object({ exact: count, near: count }),
  redacted: count,
  tokensPerEpoch: count,
});

const Verdict = z.object({
  outcome: z.enum(END_STATES),
  chargedTokens: count,
  chargedMicro: microSchema,
  error: z.nullable(
    z.object({
      code: z.string(),
      message: z.string(),
      param: z.nullable(z.enum(['training_file', 'validation_file'])),
    }),
  ),
  fineTunedModel: z.nullable(z.string()),
});

const Checkpoint = z.object({
  epoch: count,
  step: count,
  adapterId: idSchema<AdapterId>('adapter'),
  model: z.string(),
});

const JobItem = z.object({
  id: jobId,
  tenantId: idSchema<TenantId>('tenant'),
  keyId: idSchema<KeyId>('key'),
  holdId: idSchema<HoldId>('hold'),
  version: count,
  state: z.enum([...OPEN_STATES, ...END_STATES]),
  baseModel: z.string(),
  method: z.enum(METHODS),
  trainingFile: fileId,
  validationFile: z.nullable(fileId),
  hyperParameters: HyperParameters,
  augmentation: z.object({
    wordDropout: z.number(),
    joinSameAnswer: z.number(),
    shuffleWords: z._default(z.number(), 0), // jobs of before it have none
  }),
  datasetOptions: z.object({
    removeDuplicates: z.enum(['none', 'exact', 'near']),
    redactPii: z.boolean(),
    validationShare: z.number(),
  }),
  suffix: z.nullable(z.string()),
  seed: count,
  metadata: z.record(z.string(), z.string()),
  requestKey: z._default(z.nullable(z.object({ hash: z.string(), bodyHash: z.string() })), null),
  quote: z.object({
    tokensPerEpoch: count,
    amountMicro: microSchema,
    perMillionTokensMicro: microSchema,
    priceBook: z.object({ id: z.string(), version: count }),
  }),
  dataset: z.nullable(Dataset),
  attempts: z.array(
    z.object({
      name: z.string(),
      startedAtMs: count,
      billableSeconds: z.nullable(z.number()),
      trainingSeconds: z.nullable(z.number()),
      costMicroUsd: z.nullable(count),
    }),
  ),
  phase: z.nullable(z.string()),
  putOff: z.object({ times: count, untilMs: count }),
  artifactKey: z.nullable(z.string()),
  metrics: z.object({
    trainLoss: z.nullable(z.number()),
    validationLoss: z.nullable(z.number()),
    validationExact: z.nullable(z.number()),
  }),
  trainedEpochs: z.number(),
  verdict: z.nullable(Verdict),
  checkpoints: z._default(z.nullable(z.array(Checkpoint)), []), // jobs of before it kept none
  createdAtMs: count,
  updatedAtMs: count,
  finishedAtMs: z.nullable(count),
});

const EventItem = z.object({
  id: z.string(),
  jobId,
  atMs: count,
  level: z.enum(['info', 'warn', 'error']),
  kind: z.enum(['message', 'metrics']),
  message: z.string(),
  data: z.nullable(z.record(z.string(), z.union([z.string(), z.number()]))),
});

export const toJobId = (item: unknown): TrainingJobId => z.parse(z.object({ jobId }), item).jobId;
export const toJob = (item: unknown): TrainingJob => z.parse(JobItem, item);
export const toEvent = (item: unknown): JobEvent => z.parse(EventItem, item);
