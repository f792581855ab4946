import type { Engine } from '#core/inference/ports.ts';
import { ENDPOINT, SETTINGS } from '#io/definitions/resources.ts';
import { engineRules } from '#io/engines/engineRules.ts';
import { makeOpenAiEngine } from '#io/engines/openAiEngine.ts';
import { routeEngine } from '#io/engines/routeEngine.ts';
import { makeSageMakerEngine } from '#io/sagemaker/engine.ts';
import { makeSageMakerRuntime } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** Every kind of engine that a version may run on. */
export const wireEngine = (env: Environment, readSecret: (secretId: string) => Promise<string>): Engine =>
  routeEngine({
    sageMaker: makeSageMakerEngine(makeSageMakerRuntime(), {
      endpointName: requireVariable(env, ENDPOINT.env),
      baseComponent: requireVariable(env, ENDPOINT.baseEnv),
    }),
    openAi: makeOpenAiEngine({
      ...engineRules(env),
      readSecret: (name) => readSecret(`${requireVariable(env, SETTINGS.engineSecrets)}${name}`),
    }),
  });
