import * as z from 'zod/mini';
import { type RefillReport, refillTenant } from '#core/refill/refillTenant.ts';
import { renewMethod } from '#core/refill/renewMethod.ts';
import { idSchema } from '#core/shared/idSchema.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { loadCreditPacks } from '#io/creditPacks.ts';
import { METRICS } from '#io/definitions/metrics.ts';
import { SECRETS, TABLES } from '#io/definitions/resources.ts';
import { makeDodoClient, readDodoPlace } from '#io/dodo/client.ts';
import { makeMandateProvider } from '#io/dodo/mandateProvider.ts';
import { makePaymentProvider } from '#io/dodo/paymentProvider.ts';
import { makeDodoSecretReader } from '#io/dodo/secret.ts';
import { makeBillingStore } from '#io/dynamodb/billingStore.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeNoticeOutbox } from '#io/dynamodb/noticeOutbox.ts';
import { makeRefillStore } from '#io/dynamodb/refillStore.ts';
import { makeObservability } from '#io/observability.ts';
import { makeSecretReader } from '#io/secrets.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

const Message = z.object({ tenantId: idSchema<TenantId>('tenant'), customerId: z.optional(z.string()) });

/** What the refill-credits function works with. */
export function wireRefillCredits(env: Environment) {
  const { logger, metrics } = makeObservability('refill-credits');
  const dynamoDb = makeDynamoDb();
  const billingTable = requireVariable(env, TABLES.billing.env);
  const readSecret = makeDodoSecretReader(makeSecretReader(env), requireVariable(env, SECRETS.dodo.env));
  const client = makeDodoClient(readDodoPlace(env), async () => (await readSecret()).apiKey);
  const ledger = makeLedgerStore(dynamoDb, requireVariable(env, TABLES.ledger.env));
  const billing = makeBillingStore(dynamoDb, billingTable);
  const deps = {
    store: makeRefillStore(dynamoDb, billingTable),
    mandates: makeMandateProvider(client),
    billing,
    payments: {
      provider: makePaymentProvider(client),
      store: billing,
      ledger,
      clock: systemWorld.clock,
    },
    ledger,
    directory: makeDirectory(dynamoDb, requireVariable(env, TABLES.directory.env)),
    notices: makeNoticeOutbox(dynamoDb, billingTable),
    catalogue: loadCreditPacks(env),
    world: systemWorld,
  };
  const report = ({ tenantId, ended, rests }: RefillReport): void => {
    for (const { id, outcome, detail } of ended) {
      logger[outcome === 'succeeded' ? 'info' : 'warn']('refill ended', { tenantId, id, outcome, detail });
      if (outcome === 'failed') metrics.singleMetric().addMetric(METRICS.refillsFailed.name, 'Count', 1);
      if (outcome === 'unmatched')
        metrics.singleMetric().addMetric(METRICS.unmatchedRefills.name, 'Count', 1);
    }
    logger.info('refill rests', { tenantId, rests });
  };
  return {
    refill: async (body: string): Promise<void> => {
      const { tenantId, customerId } = z.parse(Message, JSON.parse(body));
      if (customerId !== undefined) await renewMethod(deps, { tenantId, customerId });
      report(await refillTenant(deps, tenantId));
    },
    failed: (reason: unknown) =>
      logger.error('refill failed', reason instanceof Error ? reason : String(reason)),
  };
}
