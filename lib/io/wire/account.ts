import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { loadCreditPacks } from '#io/creditPacks.ts';
import { nodeCrypto } from '#io/crypto.ts';
import { SECRETS, SETTINGS, TABLES } from '#io/definitions/resources.ts';
import { makeDodoClient, readDodoPlace } from '#io/dodo/client.ts';
import { makeMandateProvider } from '#io/dodo/mandateProvider.ts';
import { makePaymentProvider } from '#io/dodo/paymentProvider.ts';
import { makeDodoSecretReader } from '#io/dodo/secret.ts';
import { makeSubscriptionProvider } from '#io/dodo/subscriptionProvider.ts';
import { makeBillingStore } from '#io/dynamodb/billingStore.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeRefillStore } from '#io/dynamodb/refillStore.ts';
import { makeSealKeys } from '#io/dynamodb/sealKeys.ts';
import { makeStatementBook } from '#io/dynamodb/statementBook.ts';
import { makeSubscriptionStore } from '#io/dynamodb/subscriptionStore.ts';
import { makeObservability, type Observability } from '#io/observability.ts';
import { loadPlans } from '#io/plans.ts';
import { makeSecretReader } from '#io/secrets.ts';
import { statementPdf } from '#io/statementPdf.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** What the routes of clients work with (`#api/control/deps.ts`), of the real drivers. */
export function wireAccount(env: Environment) {
  const log = makeObservability('account');
  return { deps: accountDeps(env, makeDynamoDb(), log), log };
}

/** The same for another function, which logs as itself. */
export function accountDeps(env: Environment, dynamoDb: DynamoDBDocumentClient, { logger }: Observability) {
  const readDodo = makeDodoSecretReader(makeSecretReader(env), requireVariable(env, SECRETS.dodo.env));
  const ledgerTable = requireVariable(env, TABLES.ledger.env);
  const billingTable = requireVariable(env, TABLES.billing.env);
  const dodo = makeDodoClient(readDodoPlace(env), async () => (await readDodo()).apiKey);
  const payments = makePaymentProvider(dodo);
  return {
    world: systemWorld,
    directory: makeDirectory(dynamoDb, requireVariable(env, TABLES.directory.env)),
    ledger: makeLedgerStore(dynamoDb, ledgerTable),
    statements: {
      book: makeStatementBook(dynamoDb, ledgerTable),
      keys: makeSealKeys(dynamoDb, ledgerTable),
      sha256: nodeCrypto.sha256Hex,
      pdf: statementPdf,
    },
    subscriptions: {
      catalogue: loadPlans(env),
      store: makeSubscriptionStore(dynamoDb, billingTable),
      provider: { ...makeSubscriptionProvider(dodo), createCustomer: payments.createCustomer },
    },
    credits: {
      catalogue: loadCreditPacks(env),
      store: makeBillingStore(dynamoDb, billingTable),
      provider: payments,
      refills: makeRefillStore(dynamoDb, billingTable),
      mandates: makeMandateProvider(dodo),
      topUpUrl: requireVariable(env, SETTINGS.topUpUrl),
      onProviderFailure: (code: string, detail: string) =>
        logger.error('payment provider failed', { code, detail }),
    },
  };
}
