import { grantFreeCredits } from '#core/freeTier/grantFreeCredits.ts';
import { METRICS } from '#io/definitions/metrics.ts';
import { TABLES } from '#io/definitions/resources.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeObservability } from '#io/observability.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** What the grant-free-credits function works with. */
export function wireGrantFreeCredits(env: Environment) {
  const { logger, metrics } = makeObservability('grant-free-credits');
  const dynamoDb = makeDynamoDb();
  const deps = {
    directory: makeDirectory(dynamoDb, requireVariable(env, TABLES.directory.env)),
    ledger: makeLedgerStore(dynamoDb, requireVariable(env, TABLES.ledger.env)),
    clock: systemWorld.clock,
  };
  return {
    grant: async (): Promise<void> => {
      const { granted, failed } = await grantFreeCredits(deps);
      for (const grant of granted) logger.info('free credits granted', grant);
      for (const { tenantId, cause } of failed)
        logger.error('free credits were not granted', { tenantId, cause });
      if (failed.length > 0)
        metrics.singleMetric().addMetric(METRICS.freeCreditFailures.name, 'Count', failed.length);
    },
  };
}
