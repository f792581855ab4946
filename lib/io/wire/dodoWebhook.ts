import { nodeCrypto } from '#io/crypto.ts';
import { METRICS } from '#io/definitions/metrics.ts';
import { QUEUES, SECRETS, TABLES } from '#io/definitions/resources.ts';
import { makeDodoSecretReader } from '#io/dodo/secret.ts';
import { makeWebhookVerifier } from '#io/dodo/webhookVerifier.ts';
import { makeBillingStore } from '#io/dynamodb/billingStore.ts';
import { makeObservability } from '#io/observability.ts';
import { makeSecretReader } from '#io/secrets.ts';
import { makePaymentQueue } from '#io/sqs/paymentQueue.ts';
import { makeRefillQueue } from '#io/sqs/refillQueue.ts';
import { makeSubscriptionQueue } from '#io/sqs/subscriptionQueue.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb, makeSqs } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** Dodo's largest events are a few kilobytes; a stored event must fit an item of 400 KB. */
const MAX_BODY_BYTES = 256 * 1024;

/** What the dodo-webhook function works with. */
export function wireDodoWebhook(env: Environment) {
  const { logger, metrics } = makeObservability('dodo-webhook');
  const readSecret = makeDodoSecretReader(makeSecretReader(env), requireVariable(env, SECRETS.dodo.env));
  const sqs = makeSqs();
  const readKeys = async () => (await readSecret()).webhookKeys;
  return {
    edge: { logger, metrics, maxBodyBytes: MAX_BODY_BYTES },
    deps: {
      verify: makeWebhookVerifier(readKeys, systemWorld.clock),
      store: makeBillingStore(makeDynamoDb(), requireVariable(env, TABLES.billing.env)),
      queue: makePaymentQueue(sqs, requireVariable(env, QUEUES.payments.env)),
      subscriptions: makeSubscriptionQueue(sqs, requireVariable(env, QUEUES.subscriptions.env)),
      refills: makeRefillQueue(sqs, requireVariable(env, QUEUES.refills.env)),
      sha256Hex: nodeCrypto.sha256Hex,
      clock: systemWorld.clock,
      onRefused: (code: string) => {
        logger.warn('webhook refused', { code });
        if (code !== 'authentic_but_out_of_time') return;
        metrics.singleMetric().addMetric(METRICS.lateWebhooks.name, 'Count', 1);
      },
    },
  };
}
