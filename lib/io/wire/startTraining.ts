import * as z from 'zod/mini';
import { DEFAULT_BASE_MODEL } from '#core/inference/baseModels.ts';
import { idSchema } from '#core/shared/idSchema.ts';
import type { TenantId, TrainingJobId } from '#core/shared/ids.ts';
import type { TrainingDesk } from '#core/training/ports.ts';
import { startJobs } from '#core/training/startJobs.ts';
import { makeDatasetTools } from '#io/datasets/tools.ts';
import { BUCKETS } from '#io/definitions/resources.ts';
import { makeLineWriters } from '#io/s3/lineWriter.ts';
import { makeS3 } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';
import { makeFollowDesk } from './followTraining.ts';
import { wireTrainingCreate } from './trainingCreate.ts';

const TOKENIZERS_LAYER = '/opt/tokenizers';

const Message = z.object({
  tenantId: idSchema<TenantId>('tenant'),
  jobId: idSchema<TrainingJobId>('trainingJob'),
});

/** Puts together what starts training jobs. */
export function wireStartTraining(env: Environment) {
  const { desk, observability } = makeFollowDesk(env, 'start-training');
  let tools: ReturnType<TrainingDesk['tools']> | undefined;
  const starting: TrainingDesk = {
    ...desk,
    training: { ...desk.training, create: wireTrainingCreate(env) },
    openLines: makeLineWriters(makeS3(), requireVariable(env, BUCKETS.tenantData.env)),
    tools: () => {
      tools ??= makeDatasetTools(env['TUNEGATE_TOKENIZERS_DIR'] ?? TOKENIZERS_LAYER, DEFAULT_BASE_MODEL);
      return tools;
    },
  };
  return {
    ...observability,
    start: (body: string) => startJobs(starting, z.parse(Message, JSON.parse(body))),
  };
}
