import { findDueSubscriptions } from '#core/subscriptions/findDueSubscriptions.ts';
import { QUEUES, SECRETS, TABLES } from '#io/definitions/resources.ts';
import { makeDodoClient, readDodoPlace } from '#io/dodo/client.ts';
import { makeDodoSecretReader } from '#io/dodo/secret.ts';
import { makeSubscriptionProvider } from '#io/dodo/subscriptionProvider.ts';
import { makeSubscriptionStore } from '#io/dynamodb/subscriptionStore.ts';
import { makeObservability } from '#io/observability.ts';
import { makeSecretReader } from '#io/secrets.ts';
import { makeSubscriptionQueue } from '#io/sqs/subscriptionQueue.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb, makeSqs } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** What the find-due-subscriptions function works with. */
export function wireFindDueSubscriptions(env: Environment) {
  const { logger } = makeObservability('find-due-subscriptions');
  const readSecret = makeDodoSecretReader(makeSecretReader(env), requireVariable(env, SECRETS.dodo.env));
  const client = makeDodoClient(readDodoPlace(env), async () => (await readSecret()).apiKey);
  const deps = {
    provider: makeSubscriptionProvider(client),
    store: makeSubscriptionStore(makeDynamoDb(), requireVariable(env, TABLES.billing.env)),
    queue: makeSubscriptionQueue(makeSqs(), requireVariable(env, QUEUES.subscriptions.env)),
    clock: systemWorld.clock,
  };
  return {
    /** Throws when Dodo cannot be asked, or not for all: then the function has failed, and its alarm rings. */
    find: async (): Promise<void> => {
      const found = await findDueSubscriptions(deps);
      if (!found.ok) throw new Error(`${found.error.code}: ${found.error.detail}`);
      const { due, isComplete } = found.value;
      if (due.length > 0) logger.info('subscriptions are due', { ids: due.slice(0, 100), count: due.length });
      if (!isComplete) throw new Error('there are more subscriptions than one run may read');
    },
  };
}
