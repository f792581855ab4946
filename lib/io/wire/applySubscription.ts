import {
  handleSubscriptionMessage,
  type SubscriptionReport,
} from '#core/subscriptions/handleSubscriptionMessage.ts';
import { parsePeppers } from '#core/tenants/apiKey.ts';
import { nodeCrypto } from '#io/crypto.ts';
import { METRICS } from '#io/definitions/metrics.ts';
import { SECRETS, TABLES } from '#io/definitions/resources.ts';
import { makeDodoClient, readDodoPlace } from '#io/dodo/client.ts';
import { makeLicenceProvider } from '#io/dodo/licenceProvider.ts';
import { makePaymentProvider } from '#io/dodo/paymentProvider.ts';
import { makeDodoSecretReader } from '#io/dodo/secret.ts';
import { makeSubscriptionProvider } from '#io/dodo/subscriptionProvider.ts';
import { makeBillingStore } from '#io/dynamodb/billingStore.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeLicenceStore } from '#io/dynamodb/licenceStore.ts';
import { makeSubscriptionStore } from '#io/dynamodb/subscriptionStore.ts';
import { makeObservability } from '#io/observability.ts';
import { loadPlans } from '#io/plans.ts';
import { makeSecretReader } from '#io/secrets.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** What the apply-subscription function works with. */
export function wireApplySubscription(env: Environment) {
  const { logger, metrics } = makeObservability('apply-subscription');
  const dynamoDb = makeDynamoDb();
  const billingTable = requireVariable(env, TABLES.billing.env);
  const readSecret = makeSecretReader(env);
  const readDodo = makeDodoSecretReader(readSecret, requireVariable(env, SECRETS.dodo.env));
  const client = makeDodoClient(readDodoPlace(env), async () => (await readDodo()).apiKey);
  const ledger = makeLedgerStore(dynamoDb, requireVariable(env, TABLES.ledger.env));
  const catalogue = loadPlans(env);
  const deps = {
    catalogue,
    licences: { ...makeLicenceProvider(client), ...makeLicenceStore(dynamoDb, billingTable) },
    payments: {
      readPayment: makePaymentProvider(client).readPayment,
      readCheckout: makeBillingStore(dynamoDb, billingTable).readCheckout,
    },
    subscriptions: {
      catalogue,
      provider: makeSubscriptionProvider(client),
      store: makeSubscriptionStore(dynamoDb, billingTable),
      ledger,
      clock: systemWorld.clock,
    },
    tenancy: {
      world: systemWorld,
      directory: makeDirectory(dynamoDb, requireVariable(env, TABLES.directory.env)),
      ledger,
      signing: {
        crypto: nodeCrypto,
        peppers: async () => parsePeppers(await readSecret(requireVariable(env, SECRETS.keyPepper.env))),
      },
    },
  };
  const report = (done: SubscriptionReport): void => {
    const level = done.needsAttention ? 'warn' : 'info';
    if ('licence' in done) logger[level]('licence applied', { type: done.type, ...done.licence });
    else if (done.subscription === null)
      logger.info('subscription is none of our plans', { type: done.type });
    else {
      const { id, tenantId, planId, status, review } = done.subscription;
      logger[level]('subscription applied', { type: done.type, id, tenantId, planId, status, review });
    }
    if (!done.needsAttention) return;
    metrics.singleMetric().addMetric(METRICS.unmatchedSubscriptions.name, 'Count', 1);
  };
  return {
    apply: async (body: string) => report(await handleSubscriptionMessage(deps, body)),
    postponed: (reason: unknown) =>
      logger.error('subscription postponed', reason instanceof Error ? reason : String(reason)),
  };
}
