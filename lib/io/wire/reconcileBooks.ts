import * as z from 'zod/mini';
import { snapshotRecurring } from '#core/analytics/analyse.ts';
import { dayAt, parseDay } from '#core/metering/periods.ts';
import { reconcileDay } from '#core/reconciliation/reconcileDay.ts';
import { METRICS } from '#io/definitions/metrics.ts';
import { BUCKETS, QUEUES, SECRETS, TABLES } from '#io/definitions/resources.ts';
import { makeDodoClient, readDodoPlace } from '#io/dodo/client.ts';
import { makeMeteredUsage } from '#io/dodo/meteredUsage.ts';
import { makePaymentProvider } from '#io/dodo/paymentProvider.ts';
import { makeDodoSecretReader } from '#io/dodo/secret.ts';
import { makeBillingStore } from '#io/dynamodb/billingStore.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeJobStore } from '#io/dynamodb/jobStore.ts';
import { makeLateUsageList } from '#io/dynamodb/lateUsageList.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeOverageOutbox } from '#io/dynamodb/overageOutbox.ts';
import { makeLostCalls, makeReconciliationStore } from '#io/dynamodb/reconciliationStore.ts';
import { makeRecurringSnapshots } from '#io/dynamodb/recurringSnapshots.ts';
import { makeSubscriptionStore } from '#io/dynamodb/subscriptionStore.ts';
import { makeJobCosts } from '#io/jobCosts.ts';
import { makeObservability } from '#io/observability.ts';
import { loadPlans } from '#io/plans.ts';
import { makeArchiveReader } from '#io/s3/archiveReader.ts';
import { makeSecretReader } from '#io/secrets.ts';
import { makePaymentQueue } from '#io/sqs/paymentQueue.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb, makeS3, makeSqs } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

const Message = z.object({ day: z.string() });

/** What the reconcile-books function works with. */
export function wireReconcileBooks(env: Environment) {
  const { logger, metrics } = makeObservability('reconcile-books');
  const dynamoDb = makeDynamoDb();
  const billingTable = requireVariable(env, TABLES.billing.env);
  const ledgerTable = requireVariable(env, TABLES.ledger.env);
  const readSecret = makeDodoSecretReader(makeSecretReader(env), requireVariable(env, SECRETS.dodo.env));
  const client = makeDodoClient(readDodoPlace(env), async () => (await readSecret()).apiKey);
  const directory = makeDirectory(dynamoDb, requireVariable(env, TABLES.directory.env));
  const catalogue = loadPlans(env);
  const deps = {
    directory,
    ledger: makeLedgerStore(dynamoDb, ledgerTable),
    archive: makeArchiveReader(makeS3(), requireVariable(env, BUCKETS.archive.env)),
    lostCalls: makeLostCalls(dynamoDb, billingTable),
    provider: makePaymentProvider(client),
    billing: makeBillingStore(dynamoDb, billingTable),
    queue: makePaymentQueue(makeSqs(), requireVariable(env, QUEUES.payments.env)),
    meteredAtDodo: makeMeteredUsage(client, catalogue.meter.eventName),
    outbox: makeOverageOutbox(dynamoDb, ledgerTable),
    lateUsage: makeLateUsageList(dynamoDb, ledgerTable),
    jobs: makeJobCosts(directory, makeJobStore(dynamoDb, requireVariable(env, TABLES.training.env))),
    subscriptions: makeSubscriptionStore(dynamoDb, billingTable),
    catalogue,
    snapshots: makeRecurringSnapshots(dynamoDb, billingTable),
    store: makeReconciliationStore(dynamoDb, billingTable),
    clock: systemWorld.clock,
  };
  return {
    reconcile: async (body: string): Promise<void> => {
      const day = parseDay(z.parse(Message, JSON.parse(body)).day);
      if (day === undefined) throw new Error('the message names no day');
      await snapshotRecurring(deps, dayAt(systemWorld.clock()).slice(0, 7));
      const { differences, differenceCount, unknownCount, unread, totals } = await reconcileDay(deps, day);
      logger[unknownCount > 0 ? 'error' : 'info']('reconciled', {
        day,
        differenceCount,
        unknownCount,
        unread,
        totals,
      });
      if (unknownCount === 0) return;
      const unknown = differences.filter(({ cause }) => cause === 'unknown').slice(0, 20);
      logger.error('differences without a cause', { day, unknown });
      metrics.singleMetric().addMetric(METRICS.unknownDifferences.name, 'Count', unknownCount);
    },
    failed: (reason: unknown) =>
      logger.error('reconciliation failed', reason instanceof Error ? reason : String(reason)),
  };
}
