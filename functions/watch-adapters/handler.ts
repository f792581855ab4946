import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import { wireWatchAdapters } from '#io/wire/watchAdapters.ts';

const { watch, logger, metrics } = wireWatchAdapters(process.env);

/** Every five minutes: finds adapters that somebody should look at. */
export const handler = middy()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(() => watch());
