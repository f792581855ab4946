import { parseBookTexts } from '#core/pricing/parsePriceBooks.ts';
import { toBook, toKept } from '#core/pricing/readPriceBooks.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { parsePeppers, parseSecretList } from '#core/tenants/apiKey.ts';
import { loadCreditPacks } from '#io/creditPacks.ts';
import { nodeCrypto } from '#io/crypto.ts';
import { QUEUES, SECRETS, SETTINGS, TABLES } from '#io/definitions/resources.ts';
import { makeDodoClient, readDodoPlace } from '#io/dodo/client.ts';
import { makeMandateProvider } from '#io/dodo/mandateProvider.ts';
import { makePaymentProvider } from '#io/dodo/paymentProvider.ts';
import { makeDodoSecretReader } from '#io/dodo/secret.ts';
import { makeSubscriptionProvider } from '#io/dodo/subscriptionProvider.ts';
import { makeAdapterStore } from '#io/dynamodb/adapterStore.ts';
import { makeBillingStore } from '#io/dynamodb/billingStore.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeLateUsageList } from '#io/dynamodb/lateUsageList.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeNoticeOutbox } from '#io/dynamodb/noticeOutbox.ts';
import { makePriceBookSource } from '#io/dynamodb/priceBookSource.ts';
import { makePriceBookStore } from '#io/dynamodb/priceBookStore.ts';
import { makeReconciliationStore } from '#io/dynamodb/reconciliationStore.ts';
import { makeRecurringSnapshots } from '#io/dynamodb/recurringSnapshots.ts';
import { makeRefillStore } from '#io/dynamodb/refillStore.ts';
import { makeRolloutStore } from '#io/dynamodb/rolloutStore.ts';
import { makeSealKeys } from '#io/dynamodb/sealKeys.ts';
import { makeStatementBook } from '#io/dynamodb/statementBook.ts';
import { makeSubscriptionStore } from '#io/dynamodb/subscriptionStore.ts';
import { makeVersionBook } from '#io/dynamodb/versionBook.ts';
import { engineRules } from '#io/engines/engineRules.ts';
import { noticeWebhookKey } from '#io/notices/noticeWebhookKey.ts';
import { makeObservability } from '#io/observability.ts';
import { loadPlans } from '#io/plans.ts';
import { loadPriceBooks } from '#io/priceTables.ts';
import { makeSealSigner } from '#io/sealSigner.ts';
import { makeSecretReader } from '#io/secrets.ts';
import { makeReconciliationQueue } from '#io/sqs/reconciliationQueue.ts';
import { statementPdf } from '#io/statementPdf.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb, makeSqs } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** What the control routes work with (`#api/control/deps.ts`), of the real drivers. */
export function wireControl(env: Environment) {
  const dynamoDb = makeDynamoDb();
  const log = makeObservability('control');
  const readSecret = makeSecretReader(env);
  const readDodo = makeDodoSecretReader(readSecret, requireVariable(env, SECRETS.dodo.env));
  const ledgerTable = requireVariable(env, TABLES.ledger.env);
  const directoryTable = requireVariable(env, TABLES.directory.env);
  const billingTable = requireVariable(env, TABLES.billing.env);
  const dodo = makeDodoClient(readDodoPlace(env), async () => (await readDodo()).apiKey);
  const payments = makePaymentProvider(dodo);
  const seeds = loadPriceBooks(env, parseBookTexts);
  const sealKeys = makeSealKeys(dynamoDb, ledgerTable);
  const sealSecret = requireVariable(env, SECRETS.sealKey.env);
  const deps = {
    world: systemWorld,
    directory: makeDirectory(dynamoDb, directoryTable),
    rollouts: makeRolloutStore(dynamoDb, directoryTable),
    adapters: makeAdapterStore(dynamoDb, directoryTable),
    versions: makeVersionBook(dynamoDb, requireVariable(env, TABLES.versions.env), systemWorld.clock),
    engines: engineRules(env),
    ledger: makeLedgerStore(dynamoDb, ledgerTable),
    signing: {
      crypto: nodeCrypto,
      peppers: async () => parsePeppers(await readSecret(requireVariable(env, SECRETS.keyPepper.env))),
    },
    priceBooks: {
      store: makePriceBookStore(dynamoDb, directoryTable),
      source: makePriceBookSource(dynamoDb, directoryTable, {
        seeds: seeds.map(toBook),
        clock: systemWorld.clock,
      }),
      seeds: seeds.map(toKept),
    },
    statements: {
      book: makeStatementBook(dynamoDb, ledgerTable),
      keys: sealKeys,
      signer: makeSealSigner(() => readSecret(sealSecret), sealKeys),
      sha256: nodeCrypto.sha256Hex,
      pdf: statementPdf,
    },
    snapshots: makeRecurringSnapshots(dynamoDb, billingTable),
    reconciliation: {
      store: makeReconciliationStore(dynamoDb, billingTable),
      queue: makeReconciliationQueue(makeSqs(), requireVariable(env, QUEUES.reconciliations.env)),
    },
    notices: {
      outbox: makeNoticeOutbox(dynamoDb, billingTable),
      webhookKey: async (tenantId: TenantId) => {
        const [newest = ''] = parseSecretList(await readSecret(requireVariable(env, SECRETS.noticeKey.env)));
        return noticeWebhookKey(newest, tenantId);
      },
    },
    subscriptions: {
      catalogue: loadPlans(env),
      store: makeSubscriptionStore(dynamoDb, billingTable),
      provider: { ...makeSubscriptionProvider(dodo), createCustomer: payments.createCustomer },
      late: makeLateUsageList(dynamoDb, ledgerTable),
    },
    credits: {
      catalogue: loadCreditPacks(env),
      store: makeBillingStore(dynamoDb, billingTable),
      provider: payments,
      refills: makeRefillStore(dynamoDb, billingTable),
      mandates: makeMandateProvider(dodo),
      topUpUrl: requireVariable(env, SETTINGS.topUpUrl),
      onProviderFailure: (code: string, detail: string) =>
        log.logger.error('payment provider failed', { code, detail }),
    },
  };
  return { deps, log };
}
