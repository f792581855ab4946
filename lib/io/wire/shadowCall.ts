import { runShadow } from '#core/routing/runShadow.ts';
import { FUNCTIONS } from '#io/definitions/functions.ts';
import { TABLES } from '#io/definitions/resources.ts';
import { makeRolloutStore } from '#io/dynamodb/rolloutStore.ts';
import { makeVersionBook } from '#io/dynamodb/versionBook.ts';
import { makeObservability } from '#io/observability.ts';
import { makeSecretReader } from '#io/secrets.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb } from './clients.ts';
import { wireEngine } from './engine.ts';
import { type Environment, requireVariable } from './environment.ts';

/** What is left of the function's time after an answer is for counting it: one that is cut off would be asked again. */
const COUNTING_SECONDS = 30;
const ANSWER_MS = (FUNCTIONS['shadow-call'].timeoutSeconds - COUNTING_SECONDS) * 1_000;

/** What puts calls to their shadows. */
export function wireShadowCall(env: Environment) {
  const { logger } = makeObservability('shadow-call');
  const dynamoDb = makeDynamoDb();
  const { clock } = systemWorld;
  const deps = {
    clock,
    engine: wireEngine(env, makeSecretReader(env)),
    rollouts: makeRolloutStore(dynamoDb, requireVariable(env, TABLES.directory.env)),
    versions: makeVersionBook(dynamoDb, requireVariable(env, TABLES.versions.env), clock),
    patience: () => AbortSignal.timeout(ANSWER_MS),
  };
  return {
    logger,
    runShadow: async (message: string): Promise<void> => {
      const outcome = await runShadow(deps, message);
      if (outcome.outcome !== 'answered') logger.warn('a shadow did not answer', outcome);
    },
  };
}
