import { baseModelOf } from '#core/inference/baseModels.ts';
import type { HoldRefused } from '#core/ledger/ports.ts';
import type { FileId, HoldId, KeyId, TenantId, TrainingJobId } from '#core/shared/ids.ts';
import type { MicroCredits } from '#core/shared/money.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { changeJob } from './changeJob.ts';
import { checkTrainingFile, type FileRefused, tooFewExamples } from './checkFiles.ts';
import { chooseAugmentation, chooseParameters, type WishedParameters } from './chooseParameters.ts';
import { JOB_LIMITS } from './limits.ts';
import type { JobIntake } from './ports.ts';
import { quoteTraining, type TrainingUnpriced } from './quote.ts';
import { moveJob } from './transitions.ts';
import type { DatasetOptions, Method, Quote, TrainingJob } from './types.ts';

export type NewJob = {
  readonly tenantId: TenantId;
  readonly keyId: KeyId;
  readonly model: string;
  readonly trainingFile: FileId;
  readonly validationFile: FileId | null;
  readonly wished: WishedParameters;
  readonly method: Method;
  readonly datasetOptions: DatasetOptions;
  readonly suffix: string | null;
  /** Null: one is made of the job's id. */
  readonly seed: number | null;
  readonly metadata: Readonly<Record<string, string>>;
};

export type JobRefused =
  | FileRefused
  | TrainingUnpriced
  | { readonly code: 'unknown_base_model' }
  | { readonly code: 'rank_too_high'; readonly maxRank: number }
  | { readonly code: 'too_many_tokens' }
  | { readonly code: 'too_many_jobs' }
  | { readonly code: 'not_held'; readonly refused: HoldRefused; readonly amountMicro: MicroCredits };

/**
 * Takes a job in: checks its files, quotes it, holds the quote, and has it started. A draft is written before the
 * hold is placed, so that the hold of a request that dies is found and given back.
 */
export async function createJob(intake: JobIntake, wanted: NewJob): Promise<Result<TrainingJob, JobRefused>> {
  const planned = await planJob(intake, wanted);
  if (!planned.ok) return planned;
  const draft = planned.value;
  await intake.jobs.create(draft);
  const held = await intake.ledger.placeHold({
    tenantId: draft.tenantId,
    keyId: draft.keyId,
    holdId: draft.holdId,
    amountMicro: draft.quote.amountMicro,
    nowMs: draft.createdAtMs,
    expiresAtMs: draft.createdAtMs + JOB_LIMITS.holdMs,
  });
  if (!held.ok) {
    await intake.jobs.removeDraft(draft);
    return err({ code: 'not_held', refused: held.error, amountMicro: draft.quote.amountMicro });
  }
  const ref = { tenantId: draft.tenantId, jobId: draft.id };
  const created = await changeJob(intake, ref, (job) =>
    job.state === 'draft'
      ? {
          job: moveJob(job, 'created', intake.world.clock()),
          told: { level: 'info', message: `Created fine-tuning job: ${job.id}` },
        }
      : undefined,
  );
  if (created.outcome === 'unknown') throw new Error(`the draft of ${draft.id} was cleared away`);
  await intake.queue.send(ref);
  return ok(created.job);
}

/** Everything that is settled about a job before credits are held for it. */
async function planJob(intake: JobIntake, wanted: NewJob): Promise<Result<TrainingJob, JobRefused>> {
  const { tenantId, model, validationFile } = wanted;
  if (baseModelOf(model) === undefined) return err({ code: 'unknown_base_model' });
  const { rank } = wanted.wished;
  if (typeof rank === 'number' && rank > intake.maxRank)
    return err({ code: 'rank_too_high', maxRank: intake.maxRank });
  const named = { tenantId, baseModel: model };
  const file = await checkTrainingFile(intake, { ...named, id: wanted.trainingFile, param: 'training_file' });
  if (!file.ok) return file;
  const tooFew = tooFewExamples(file.value.examples);
  if (tooFew !== undefined) return err(tooFew);
  if (validationFile !== null) {
    const other = await checkTrainingFile(intake, { ...named, id: validationFile, param: 'validation_file' });
    if (!other.ok) return other;
  }
  if (await hasTooMany(intake, tenantId)) return err({ code: 'too_many_jobs' });
  const hyperParameters = chooseParameters(wanted.wished, file.value.examples);
  const { tokensPerEpoch, hasClasses } = file.value;
  if (tokensPerEpoch * hyperParameters.epochs > JOB_LIMITS.tokens) return err({ code: 'too_many_tokens' });
  const nowMs = intake.world.clock();
  const { epochs } = hyperParameters;
  const quoted = await quoteJob(intake, tenantId, { baseModel: model, tokensPerEpoch, epochs, atMs: nowMs });
  if (!quoted.ok) return quoted;
  const augmentation = chooseAugmentation(hasClasses);
  return ok(
    draftOf(intake, wanted, { hyperParameters, augmentation, quote: quoted.value, createdAtMs: nowMs }),
  );
}

const hasTooMany = async ({ jobs }: JobIntake, tenantId: TenantId): Promise<boolean> =>
  (await jobs.listOpen()).filter((job) => job.tenantId === tenantId).length >= JOB_LIMITS.openJobsPerTenant;

async function quoteJob(
  { directory, books }: JobIntake,
  tenantId: TenantId,
  job: Parameters<typeof quoteTraining>[2],
): Promise<Result<Quote, TrainingUnpriced>> {
  const [tenant, current] = await Promise.all([directory.readTenant(tenantId), books.current()]);
  if (tenant === undefined) throw new Error(`the key's tenant ${tenantId} is not in the directory`);
  return quoteTraining(current, tenant, job);
}

type Planned = Pick<TrainingJob, 'hyperParameters' | 'augmentation' | 'quote' | 'createdAtMs'>;

function draftOf({ world }: JobIntake, wanted: NewJob, planned: Planned): TrainingJob {
  const id = world.newId<TrainingJobId>('trainingJob');
  const { model, wished: _, seed, ...given } = wanted;
  return {
    ...given,
    ...planned,
    id,
    holdId: world.newId<HoldId>('hold'),
    version: 0,
    state: 'draft',
    baseModel: model,
    seed: seed ?? seedOf(id),
    dataset: null,
    attempts: [],
    phase: null,
    putOff: { times: 0, untilMs: 0 },
    artifactKey: null,
    metrics: { trainLoss: null, validationLoss: null, validationExact: null },
    trainedEpochs: 0,
    verdict: null,
    updatedAtMs: planned.createdAtMs,
    finishedAtMs: null,
  };
}

const SEEDS = 2 ** 31;

/** A seed that differs from job to job and is the same whenever it is asked for. */
function seedOf(id: TrainingJobId): number {
  let seed = 0;
  for (const character of id) seed = (seed * 31 + (character.codePointAt(0) ?? 0)) % SEEDS;
  return seed;
}
