import { reportUsage } from '#core/subscriptions/reportUsage.ts';
import { METRICS } from '#io/definitions/metrics.ts';
import { SECRETS, TABLES } from '#io/definitions/resources.ts';
import { makeDodoClient, readDodoPlace } from '#io/dodo/client.ts';
import { makeDodoSecretReader } from '#io/dodo/secret.ts';
import { makeUsageMeter } from '#io/dodo/usageMeter.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeOverageOutbox } from '#io/dynamodb/overageOutbox.ts';
import { makeObservability } from '#io/observability.ts';
import { loadPlans } from '#io/plans.ts';
import { makeSecretReader } from '#io/secrets.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** What the report-usage function works with. */
export function wireReportUsage(env: Environment) {
  const observability = makeObservability('report-usage');
  const { logger, metrics } = observability;
  const dynamoDb = makeDynamoDb();
  const readSecret = makeDodoSecretReader(makeSecretReader(env), requireVariable(env, SECRETS.dodo.env));
  const client = makeDodoClient(readDodoPlace(env), async () => (await readSecret()).apiKey);
  const deps = {
    outbox: makeOverageOutbox(dynamoDb, requireVariable(env, TABLES.ledger.env)),
    meter: makeUsageMeter(client, loadPlans(env).meter.eventName),
    directory: makeDirectory(dynamoDb, requireVariable(env, TABLES.directory.env)),
    clock: systemWorld.clock,
  };
  return {
    ...observability,
    report: async (): Promise<void> => {
      const { reported, late, waiting, failure } = await reportUsage(deps);
      if (reported + late.length + waiting > 0) logger.info('overage', { reported, waiting });
      if (late.length > 0) {
        logger.warn('overage is not on the meter', { late: late.slice(0, 100), count: late.length });
        metrics.addMetric(METRICS.lateUsage.name, 'Count', late.length);
      }
      if (failure === null) return;
      logger.warn('overage could not be reported', { detail: failure });
      metrics.addMetric(METRICS.reportFailures.name, 'Count', 1);
    },
  };
}
