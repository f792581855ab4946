import * as z from 'zod/mini';
import type { FollowDesk, ImportMessage } from '#core/training/ports.ts';
import { BUCKETS, QUEUES, SETTINGS } from '#io/definitions/resources.ts';
import { makeObservability } from '#io/observability.ts';
import { makeFileObjects } from '#io/s3/fileObjects.ts';
import { makeTrainingWatch } from '#io/sagemaker/training.ts';
import { makeMessageQueue } from '#io/sqs/messageQueue.ts';
import { makeS3, makeSageMaker, makeSqs } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';
import { makeJobDesk } from './jobs.ts';

const MICRO_USD = 1_000_000;
const UsdPerHour = z.coerce.number().check(z.gte(0));

/** What every function that follows training jobs works with. */
export function makeFollowDesk(env: Environment, service: string) {
  const observability = makeObservability(service);
  const { logger } = observability;
  const bucket = requireVariable(env, BUCKETS.tenantData.env);
  const usdPerHour = UsdPerHour.parse(requireVariable(env, SETTINGS.trainingUsdPerHour));
  const desk = {
    ...makeJobDesk(env),
    objects: makeFileObjects(makeS3(), bucket),
    training: makeTrainingWatch(makeSageMaker(), bucket),
    imports: makeMessageQueue<ImportMessage>(makeSqs(), requireVariable(env, QUEUES.adapters.env)),
    namePrefix: requireVariable(env, SETTINGS.trainingNamePrefix),
    instanceMicroUsdPerHour: Math.round(usdPerHour * MICRO_USD),
    log: {
      warn: (message: string, fields: Readonly<Record<string, unknown>>) =>
        logger.warn(message, { ...fields }),
    },
  } satisfies FollowDesk;
  return { desk, observability };
}
