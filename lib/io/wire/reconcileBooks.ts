import * as z from 'zod/mini';
import { parseDay } from '#core/metering/periods.ts';
import { makeEndpointOfCall } from '#core/reconciliation/endpointOfCall.ts';
import { reconcileDay } from '#core/reconciliation/reconcileDay.ts';
import type { Difference } from '#core/reconciliation/types.ts';
import { makeBucketExport } from '#io/awsCosts/bucketExport.ts';
import { makeAwsCostSource } from '#io/awsCosts/costSource.ts';
import { readEndpointPrices } from '#io/awsCosts/endpointPrices.ts';
import type { AwsExport } from '#io/awsCosts/exportFiles.ts';
import { makeFolderExport } from '#io/awsCosts/folderExport.ts';
import { METRICS } from '#io/definitions/metrics.ts';
import { BUCKETS, QUEUES, SECRETS, SETTINGS, TABLES } from '#io/definitions/resources.ts';
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
import { makeSubscriptionStore } from '#io/dynamodb/subscriptionStore.ts';
import { makeJobCosts } from '#io/jobCosts.ts';
import { makeObservability } from '#io/observability.ts';
import { loadPlans } from '#io/plans.ts';
import { makeArchiveReader } from '#io/s3/archiveReader.ts';
import { makeSecretReader } from '#io/secrets.ts';
import { makePaymentQueue } from '#io/sqs/paymentQueue.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb, makeExportS3, makeS3, makeSqs } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

const Message = z.object({ day: z.string() });
/** Of the differences without a cause, as many as a line of the log holds; the report has more. */
const MAX_LOGGED = 20;

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
  const store = makeReconciliationStore(dynamoDb, billingTable);
  const endpoints = readEndpointPrices(requireVariable(env, SETTINGS.endpointPrices));
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
    store,
    awsCosts: makeAwsCostSource(store, { files: awsExport(env), clock: systemWorld.clock }),
    clock: systemWorld.clock,
  };
  const tellUnknown = (day: string, differences: readonly Difference[], count: number): void => {
    const unknown = differences.filter(({ cause }) => cause === 'unknown').slice(0, MAX_LOGGED);
    logger.error('differences without a cause', { day, unknown });
    metrics.singleMetric().addMetric(METRICS.unknownDifferences.name, 'Count', count);
  };
  return {
    reconcile: async (body: string): Promise<void> => {
      const day = parseDay(z.parse(Message, JSON.parse(body)).day);
      if (day === undefined) throw new Error('the message names no day');
      const aws = {
        endpoints,
        jobNamePrefix: requireVariable(env, SETTINGS.trainingNamePrefix),
        endpointOfCall: makeEndpointOfCall(directory, endpoints[0].name), // reads models anew for each run
      };
      const { differences, differenceCount, unknownCount, unread, totals } = await reconcileDay(
        { ...deps, aws },
        day,
      );
      logger[unknownCount > 0 ? 'error' : 'info']('reconciled', {
        day,
        differenceCount,
        unknownCount,
        unread,
        totals,
      });
      if (unknownCount > 0) tellUnknown(day, differences, unknownCount);
      // The report stands; the message comes again, and ends among the dead letters when the books stay away.
      const missing = unread.filter(({ isFault }) => isFault).map(({ pair, why }) => `${pair}: ${why}`);
      if (missing.length > 0) throw new Error(`books of ${day} could not be read: ${missing.join('; ')}`);
    },
    failed: (reason: unknown) =>
      logger.error('reconciliation failed', reason instanceof Error ? reason : String(reason)),
  };
}

/** Where AWS delivers its costs: a bucket, or on one machine a folder; undefined: nowhere that we know. */
function awsExport(env: Environment): AwsExport | undefined {
  const folder = env[SETTINGS.awsExportFolder];
  if (folder !== undefined) return makeFolderExport(folder);
  const bucket = env[SETTINGS.awsExportBucket];
  if (bucket === undefined) return undefined;
  return makeBucketExport(makeExportS3(), { bucket, prefix: requireVariable(env, SETTINGS.awsExportPrefix) });
}
