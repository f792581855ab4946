import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import { wireExpireHolds } from '#io/wire/expireHolds.ts';

const { expireHolds, logger, metrics } = wireExpireHolds(process.env);

/** Every minute: ends the holds and credits that are past their time. */
export const handler = middy()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(() => expireHolds());
