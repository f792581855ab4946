import * as z from 'zod/mini';
import { callingTenant } from '#api/edge/authorize.ts';
import type { ApiRequest } from '#api/http.ts';
import { idSchema } from '#core/shared/idSchema.ts';
import type { FileId, KeyId } from '#core/shared/ids.ts';
import type { NewJob } from '#core/training/createJob.ts';
import { JOB_LIMITS } from '#core/training/limits.ts';
import { LORA_RANKS, METHODS } from '#core/training/types.ts';

const MAX_SEED = 2 ** 32 - 1;
const MAX_METADATA = 16;
const SUFFIX_RULE = 'must be 1 to 64 letters, digits, - and _, beginning and ending with a letter or digit';

const orAuto = <S extends z.ZodMiniType>(schema: S) => z.optional(z.union([z.literal('auto'), schema]));
const fileId = idSchema<FileId>('file');

const Parameters = z.strictObject({
  n_epochs: orAuto(z.int().check(z.gte(1), z.lte(JOB_LIMITS.epochs))),
  batch_size: orAuto(z.int().check(z.gte(1), z.lte(JOB_LIMITS.batchSize))),
  learning_rate_multiplier: orAuto(
    z
      .number()
      .check(z.gte(JOB_LIMITS.lowestLearningRateMultiplier), z.lte(JOB_LIMITS.learningRateMultiplier)),
  ),
  lora_rank: orAuto(z.literal(LORA_RANKS)),
});

const Body = z.strictObject({
  model: z.string().check(z.minLength(1), z.maxLength(128)),
  training_file: fileId,
  validation_file: z.nullish(fileId),
  hyperparameters: z.nullish(Parameters),
  method: z.nullish(
    z.strictObject({
      type: z.enum(METHODS),
      supervised: z.nullish(z.strictObject({ hyperparameters: z.nullish(Parameters) })),
    }),
  ),
  suffix: z.nullish(
    z.string().check(z.regex(/^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62}[A-Za-z0-9])?$/, SUFFIX_RULE)),
  ),
  seed: z.nullish(z.int().check(z.gte(0), z.lte(MAX_SEED))),
  metadata: z.nullish(
    z.record(z.string().check(z.minLength(1), z.maxLength(64)), z.string().check(z.maxLength(512))).check(
      z.refine((given) => Object.keys(given).length <= MAX_METADATA, {
        error: `must have at most ${MAX_METADATA} keys`,
      }),
    ),
  ),
  integrations: z.nullish(z.array(z.unknown()).check(z.maxLength(0, 'are not offered here; leave them out'))),
  /** Ours: how the dataset version is made from the file. */
  dataset: z.nullish(
    z.strictObject({
      deduplicate: z.optional(z.enum(['none', 'exact', 'near'])),
      redact_pii: z.optional(z.boolean()),
      validation_share: z.optional(z.number().check(z.gte(0), z.lte(0.5))),
    }),
  ),
});

/** OpenAI has the parameters in two places; said twice, they must say the same, for they decide what the job costs. */
const saysOneThing = ({ hyperparameters, method }: z.output<typeof Body>): boolean => {
  const [old, own] = [hyperparameters ?? {}, method?.supervised?.hyperparameters ?? {}];
  return Object.entries(own).every(([name, value]) => (Reflect.get(old, name) ?? value) === value);
};

/** The body of `POST /fine_tuning/jobs`, and of a question for its price. */
export const NewFineTuningJob = Body.check(
  z.refine(saysOneThing, {
    path: ['hyperparameters'],
    error: "says something else than 'method.supervised.hyperparameters': leave it out",
  }),
);

const DEFAULT_VALIDATION_SHARE = 0.05;

/** The job that a body asks for, of the caller. */
export function wantedJob(
  request: ApiRequest,
  body: z.output<typeof NewFineTuningJob>,
): Omit<NewJob, 'requestKey'> {
  const given = { ...body.hyperparameters, ...body.method?.supervised?.hyperparameters };
  return {
    tenantId: callingTenant(request),
    keyId: callingKey(request),
    model: body.model,
    trainingFile: body.training_file,
    validationFile: body.validation_file ?? null,
    wished: {
      epochs: given.n_epochs,
      batchSize: given.batch_size,
      learningRateMultiplier: given.learning_rate_multiplier,
      rank: given.lora_rank,
    },
    method: body.method?.type ?? 'supervised',
    datasetOptions: {
      removeDuplicates: body.dataset?.deduplicate ?? 'none',
      redactPii: body.dataset?.redact_pii ?? false,
      validationShare: inMillionths(body.dataset?.validation_share ?? DEFAULT_VALIDATION_SHARE),
    },
    suffix: body.suffix ?? null,
    seed: body.seed ?? null,
    metadata: body.metadata ?? {},
  };
}

/** As fine as a share is read, and no finer than the database keeps numbers. */
const inMillionths = (share: number): number => Math.round(share * 1_000_000) / 1_000_000;

function callingKey({ principal, routeId }: ApiRequest): KeyId {
  if (principal.kind !== 'client') throw new Error(`${routeId} was reached without a key`);
  return principal.keyId;
}
