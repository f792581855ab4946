import { handlePaymentMessage, type PaymentReport } from '#core/billing/handlePaymentMessage.ts';
import { METRICS } from '#io/definitions/metrics.ts';
import { QUEUES, SECRETS, TABLES } from '#io/definitions/resources.ts';
import { makeDodoClient, readDodoPlace } from '#io/dodo/client.ts';
import { makePaymentProvider } from '#io/dodo/paymentProvider.ts';
import { makeDodoSecretReader } from '#io/dodo/secret.ts';
import { makeBillingStore } from '#io/dynamodb/billingStore.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeObservability } from '#io/observability.ts';
import { makeSecretReader } from '#io/secrets.ts';
import { makeSubscriptionQueue } from '#io/sqs/subscriptionQueue.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb, makeSqs } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** What the apply-payment function works with. */
export function wireApplyPayment(env: Environment) {
  const { logger, metrics } = makeObservability('apply-payment');
  const dynamoDb = makeDynamoDb();
  const readSecret = makeDodoSecretReader(makeSecretReader(env), requireVariable(env, SECRETS.dodo.env));
  const client = makeDodoClient(readDodoPlace(env), async () => (await readSecret()).apiKey);
  const deps = {
    provider: makePaymentProvider(client),
    store: makeBillingStore(dynamoDb, requireVariable(env, TABLES.billing.env)),
    ledger: makeLedgerStore(dynamoDb, requireVariable(env, TABLES.ledger.env)),
    clock: systemWorld.clock,
    subscriptions: makeSubscriptionQueue(makeSqs(), requireVariable(env, QUEUES.subscriptions.env)),
  };
  const report = ({ message, payment, needsAttention }: PaymentReport): void => {
    const { outcome, reason, review, tenantId, steps } = payment;
    const fields = { paymentId: payment.id, type: message.type, outcome, reason, review, tenantId };
    logger[needsAttention ? 'warn' : 'info']('payment applied', { ...fields, steps: steps.length });
    if (needsAttention) metrics.singleMetric().addMetric(METRICS.unmatchedPayments.name, 'Count', 1);
  };
  return {
    apply: async (body: string) => report(await handlePaymentMessage(deps, body)),
    postponed: (reason: unknown) =>
      logger.error('payment postponed', reason instanceof Error ? reason : String(reason)),
  };
}
