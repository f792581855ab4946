import { type WatchDesk, watchAdapters } from '#core/adapters/watchAdapters.ts';
import { METRICS } from '#io/definitions/metrics.ts';
import { ENDPOINT, QUEUES, TABLES } from '#io/definitions/resources.ts';
import { makeAdapterStore } from '#io/dynamodb/adapterStore.ts';
import { makeCopiesBook } from '#io/dynamodb/copiesBook.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeNoticeOutbox } from '#io/dynamodb/noticeOutbox.ts';
import { makeObservability } from '#io/observability.ts';
import { makeEndpointOverview } from '#io/sagemaker/endpointOverview.ts';
import { makeAdapterQueue } from '#io/sqs/adapterQueue.ts';
import { systemWorld } from '#io/world.ts';
import { makeDynamoDb, makeSageMaker, makeSqs } from './clients.ts';
import { type Environment, requireVariable } from './environment.ts';

/** Puts together what finds adapters that somebody should look at. */
export function wireWatchAdapters(env: Environment) {
  const { logger, metrics } = makeObservability(METRICS.adaptersOut.service);
  const dynamoDb = makeDynamoDb();
  const directoryTable = requireVariable(env, TABLES.directory.env);
  const desk: WatchDesk = {
    world: systemWorld,
    directory: makeDirectory(dynamoDb, directoryTable),
    adapters: makeAdapterStore(dynamoDb, directoryTable),
    endpoint: makeEndpointOverview(makeSageMaker(), {
      baseComponent: requireVariable(env, ENDPOINT.baseEnv),
    }),
    copies: makeCopiesBook(dynamoDb, directoryTable),
    queue: makeAdapterQueue(makeSqs(), requireVariable(env, QUEUES.adapters.env)),
    notices: makeNoticeOutbox(dynamoDb, requireVariable(env, TABLES.billing.env)),
  };
  return {
    logger,
    metrics,
    watch: async (): Promise<void> => {
      const { out, asked, postponed, unseen } = await watchAdapters(desk);
      if (asked > 0) logger.info('adapters are looked at', { asked, postponed });
      for (const { what, cause } of unseen)
        logger.error('a part of the adapters could not be seen', { what, cause });
      if (unseen.length > 0) metrics.addMetric(METRICS.unseenAdapters.name, 'Count', unseen.length);
      for (const { id, tenantId, status, outage } of out)
        logger.warn('an adapter is out of service', { adapterId: id, tenantId, status, outage });
      if (out.length > 0) metrics.addMetric(METRICS.adaptersOut.name, 'Count', out.length);
    },
  };
}
