import { applyDunning } from '#core/dunning/applyDunning.ts';
import { METRICS } from '#io/definitions/metrics.ts';
import { TABLES } from '#io/definitions/resources.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeNoticeOutbox } from '#io/dynamodb/noticeOutbox.ts';
import { makeSubscriptionStore } from '#io/dynamodb/subscriptionStore.ts';
import { makeObservability } from '#io/observability.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** What the apply-dunning function works with. */
export function wireApplyDunning(env: Environment) {
  const { logger, metrics } = makeObservability('apply-dunning');
  const dynamoDb = makeDynamoDb();
  const billingTable = requireVariable(env, TABLES.billing.env);
  const deps = {
    subscriptions: makeSubscriptionStore(dynamoDb, billingTable),
    notices: makeNoticeOutbox(dynamoDb, billingTable),
    directory: makeDirectory(dynamoDb, requireVariable(env, TABLES.directory.env)),
    ledger: makeLedgerStore(dynamoDb, requireVariable(env, TABLES.ledger.env)),
    world: systemWorld,
  };
  return {
    apply: async (): Promise<void> => {
      const { done, failed } = await applyDunning(deps);
      for (const one of done) logger.info('dunning', one);
      for (const { tenantId, cause } of failed) logger.error('dunning failed', { tenantId, cause });
      if (failed.length > 0)
        metrics.singleMetric().addMetric(METRICS.dunningFailures.name, 'Count', failed.length);
    },
  };
}
