import { sweepRefills } from '#core/refill/sweepRefills.ts';
import { METRICS } from '#io/definitions/metrics.ts';
import { QUEUES, TABLES } from '#io/definitions/resources.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeRefillStore } from '#io/dynamodb/refillStore.ts';
import { makeObservability } from '#io/observability.ts';
import { makeRefillQueue } from '#io/sqs/refillQueue.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb, makeSqs } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** What the sweep-refills function works with. */
export function wireSweepRefills(env: Environment) {
  const { logger, metrics } = makeObservability('sweep-refills');
  const dynamoDb = makeDynamoDb();
  const deps = {
    store: makeRefillStore(dynamoDb, requireVariable(env, TABLES.billing.env)),
    ledger: makeLedgerStore(dynamoDb, requireVariable(env, TABLES.ledger.env)),
    queue: makeRefillQueue(makeSqs(), requireVariable(env, QUEUES.refills.env)),
    clock: systemWorld.clock,
  };
  return {
    sweep: async (): Promise<void> => {
      const { asked, stuck } = await sweepRefills(deps);
      if (asked > 0) logger.info('refills asked for', { asked });
      if (stuck.length === 0) return;
      logger.error('refills are open for more than a day', { tenantIds: stuck.slice(0, 100) });
      metrics.singleMetric().addMetric(METRICS.stuckRefills.name, 'Count', stuck.length);
    },
  };
}
