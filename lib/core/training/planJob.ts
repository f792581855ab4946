import { baseModelOf } from '#core/inference/baseModels.ts';
import type { FileId, TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { checkTrainingFile, type FileRefused, tooFewExamples, tooManyBytes } from './checkFiles.ts';
import { chooseAugmentation, chooseParameters, type WishedParameters } from './chooseParameters.ts';
import { JOB_LIMITS } from './limits.ts';
import type { JobIntake } from './ports.ts';
import { quoteTraining, type TrainingUnpriced } from './quote.ts';
import type { Quote, TrainingJob } from './types.ts';

/** What a job is wanted to be trained on, and how. */
export type WantedTraining = {
  readonly tenantId: TenantId;
  readonly model: string;
  readonly trainingFile: FileId;
  readonly validationFile: FileId | null;
  readonly wished: WishedParameters;
};

export type PlanRefused =
  | FileRefused
  | TrainingUnpriced
  | { readonly code: 'unknown_base_model' }
  | { readonly code: 'rank_too_high'; readonly maxRank: number }
  | { readonly code: 'too_many_tokens' };

export type JobPlan = Pick<TrainingJob, 'hyperParameters' | 'augmentation' | 'quote'>;

/** Everything that is settled about a job before credits are held for it: what it costs at most, and its settings. */
export async function planJob(
  intake: JobIntake,
  wanted: WantedTraining,
): Promise<Result<JobPlan, PlanRefused>> {
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
    const tooMany = tooManyBytes(file.value, other.value);
    if (tooMany !== undefined) return err(tooMany);
  }
  const hyperParameters = chooseParameters(wanted.wished, file.value);
  const { tokensPerEpoch, hasClasses } = file.value;
  const { epochs } = hyperParameters;
  if (tokensPerEpoch * epochs > JOB_LIMITS.tokens) return err({ code: 'too_many_tokens' });
  const atMs = intake.world.clock();
  const quoted = await quoteJob(intake, tenantId, { baseModel: model, tokensPerEpoch, epochs, atMs });
  if (!quoted.ok) return quoted;
  return ok({ hyperParameters, augmentation: chooseAugmentation(hasClasses), quote: quoted.value });
}

async function quoteJob(
  { directory, books }: JobIntake,
  tenantId: TenantId,
  job: Parameters<typeof quoteTraining>[2],
): Promise<Result<Quote, TrainingUnpriced>> {
  const [tenant, current] = await Promise.all([directory.readTenant(tenantId), books.current()]);
  if (tenant === undefined) throw new Error(`the key's tenant ${tenantId} is not in the directory`);
  return quoteTraining(current, tenant, job);
}
