import { findMissedPayments } from '#core/billing/findMissedPayments.ts';
import { METRICS } from '#io/definitions/metrics.ts';
import { QUEUES, SECRETS, TABLES } from '#io/definitions/resources.ts';
import { makeDodoClient, readDodoPlace } from '#io/dodo/client.ts';
import { makePaymentProvider } from '#io/dodo/paymentProvider.ts';
import { makeDodoSecretReader } from '#io/dodo/secret.ts';
import { makeBillingStore } from '#io/dynamodb/billingStore.ts';
import { makeObservability } from '#io/observability.ts';
import { makeSecretReader } from '#io/secrets.ts';
import { makePaymentQueue } from '#io/sqs/paymentQueue.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb, makeSqs } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** What the find-missed-payments function works with. */
export function wireFindMissedPayments(env: Environment) {
  const { logger, metrics } = makeObservability('find-missed-payments');
  const readSecret = makeDodoSecretReader(makeSecretReader(env), requireVariable(env, SECRETS.dodo.env));
  const client = makeDodoClient(readDodoPlace(env), async () => (await readSecret()).apiKey);
  const deps = {
    provider: makePaymentProvider(client),
    store: makeBillingStore(makeDynamoDb(), requireVariable(env, TABLES.billing.env)),
    queue: makePaymentQueue(makeSqs(), requireVariable(env, QUEUES.payments.env)),
    clock: systemWorld.clock,
  };
  return {
    /** Throws when Dodo cannot be asked, or not for all: then the function has failed, and its alarm rings. */
    find: async (): Promise<void> => {
      const found = await findMissedPayments(deps);
      if (!found.ok) throw new Error(`${found.error.code}: ${found.error.detail}`);
      const { missed, isComplete } = found.value;
      if (missed.length > 0) {
        logger.warn('payments had not arrived', { paymentIds: missed.slice(0, 100), count: missed.length });
        metrics.singleMetric().addMetric(METRICS.missedPayments.name, 'Count', missed.length);
      }
      if (!isComplete) throw new Error('Dodo lists more than one run may read');
    },
  };
}
