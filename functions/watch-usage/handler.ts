import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import { wireWatchUsage } from '#io/wire/watchUsage.ts';

const { watchUsage, logger, metrics } = wireWatchUsage(process.env);

/** Every ten minutes: holds what keys did against what is usual. */
export const handler = middy()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(() => watchUsage());
