import { isCheckpointName } from '#core/shared/checkpointName.ts';
import type { InferenceRefused } from './types.ts';

const SHOWN_CHARACTERS = 64;

/**
 * The answer to a name that no model of the tenant has, whoever else may have one. A checkpoint's name says what to
 * do, for it becomes a model only when its adapter is deployed.
 */
export const noSuchModel = (name: string): InferenceRefused =>
  isCheckpointName(name)
    ? {
        code: 'model_not_deployed',
        message:
          'No such checkpoint is in service for you. Nothing was charged; ask your provider to deploy it.',
        param: 'model',
      }
    : {
        code: 'model_not_found',
        message: `The model ${JSON.stringify(name.slice(0, SHOWN_CHARACTERS))} does not exist or is not yours. GET /v1/models lists what you may use.`,
        param: 'model',
      };
