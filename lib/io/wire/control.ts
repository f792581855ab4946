import { parseBookTexts } from '#core/pricing/parsePriceBooks.ts';
import { toBook, toKept } from '#core/pricing/readPriceBooks.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { parsePeppers, parseSecretList } from '#core/tenants/apiKey.ts';
import { endpointNames, readEndpointPrices } from '#io/awsCosts/endpointPrices.ts';
import { nodeCrypto } from '#io/crypto.ts';
import { QUEUES, SECRETS, SETTINGS, TABLES } from '#io/definitions/resources.ts';
import { makeAdapterStore } from '#io/dynamodb/adapterStore.ts';
import { makeArmBook } from '#io/dynamodb/armBook.ts';
import { makeJobStore } from '#io/dynamodb/jobStore.ts';
import { makeLateUsageList } from '#io/dynamodb/lateUsageList.ts';
import { makeNoticeOutbox } from '#io/dynamodb/noticeOutbox.ts';
import { makePriceBookSource } from '#io/dynamodb/priceBookSource.ts';
import { makePriceBookStore } from '#io/dynamodb/priceBookStore.ts';
import { makeReconciliationStore } from '#io/dynamodb/reconciliationStore.ts';
import { makeRolloutStore } from '#io/dynamodb/rolloutStore.ts';
import { makeVersionBook } from '#io/dynamodb/versionBook.ts';
import { engineRules } from '#io/engines/engineRules.ts';
import { makeJobCosts } from '#io/jobCosts.ts';
import { noticeWebhookKey } from '#io/notices/noticeWebhookKey.ts';
import { makeObservability } from '#io/observability.ts';
import { loadPriceBooks } from '#io/priceTables.ts';
import { makeSealSigner } from '#io/sealSigner.ts';
import { makeSecretReader } from '#io/secrets.ts';
import { makeReconciliationQueue } from '#io/sqs/reconciliationQueue.ts';
import { systemWorld } from '#io/world.ts';
import { accountDeps } from './account.ts';
import { makeDynamoDb, makeSqs } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** What the agency's routes work with (`#api/control/deps.ts`), of the real drivers. */
export function wireControl(env: Environment) {
  const dynamoDb = makeDynamoDb();
  const log = makeObservability('control');
  const readSecret = makeSecretReader(env);
  const directoryTable = requireVariable(env, TABLES.directory.env);
  const billingTable = requireVariable(env, TABLES.billing.env);
  const account = accountDeps(env, dynamoDb, log);
  const seeds = loadPriceBooks(env, parseBookTexts);
  const sealSecret = requireVariable(env, SECRETS.sealKey.env);
  const deps = {
    ...account,
    rollouts: makeRolloutStore(dynamoDb, directoryTable),
    adapters: makeAdapterStore(dynamoDb, directoryTable),
    versions: makeVersionBook(dynamoDb, requireVariable(env, TABLES.versions.env), systemWorld.clock),
    engines: engineRules(env),
    signing: {
      crypto: nodeCrypto,
      peppers: async () => parsePeppers(await readSecret(requireVariable(env, SECRETS.keyPepper.env))),
    },
    priceBooks: {
      arms: makeArmBook(dynamoDb, requireVariable(env, TABLES.versions.env)),
      store: makePriceBookStore(dynamoDb, directoryTable),
      source: makePriceBookSource(dynamoDb, directoryTable, {
        seeds: seeds.map(toBook),
        clock: systemWorld.clock,
      }),
      seeds: seeds.map(toKept),
    },
    signer: makeSealSigner(() => readSecret(sealSecret), account.statements.keys),
    late: makeLateUsageList(dynamoDb, requireVariable(env, TABLES.ledger.env)),
    jobCosts: makeJobCosts(
      account.directory,
      makeJobStore(dynamoDb, requireVariable(env, TABLES.training.env)),
    ),
    reconciliation: {
      endpointNames: endpointNames(readEndpointPrices(requireVariable(env, SETTINGS.endpointPrices))),
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
  };
  return { deps, log };
}
