import { TrainingInstanceType } from '@aws-sdk/client-sagemaker';
import * as z from 'zod/mini';
import type { TrainingService } from '#core/training/ports.ts';
import { BUCKETS, SETTINGS, TRAINING_CODE_PREFIX } from '#io/definitions/resources.ts';
import { makeJobCreator } from '#io/sagemaker/jobCreator.ts';
import { makeTrainingCreate } from '#io/sagemaker/training.ts';
import { makeSts } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

const InstanceType = z.enum(TrainingInstanceType);
const Gigabytes = z.coerce.number().check(z.int(), z.gte(1));

/** Creates training jobs as the deployment runs them. */
export const wireTrainingCreate = (env: Environment): TrainingService['create'] =>
  makeTrainingCreate(makeJobCreator(makeSts(), requireVariable(env, SETTINGS.trainingCreatorRole)), {
    bucket: requireVariable(env, BUCKETS.tenantData.env),
    roleArn: requireVariable(env, SETTINGS.trainingRole),
    image: requireVariable(env, SETTINGS.trainingImage),
    instanceType: InstanceType.parse(requireVariable(env, SETTINGS.trainingInstance)),
    volumeGb: Gigabytes.parse(requireVariable(env, SETTINGS.trainingVolumeGb)),
    codePrefix: TRAINING_CODE_PREFIX,
    kmsKeyArn: null, // the bucket encrypts with the data key
  });
