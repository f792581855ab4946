import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import { wireSealBooks } from '#io/wire/sealBooks.ts';

const { sealBooks, logger, metrics } = wireSealBooks(process.env);

/** Every hour: closes the stretches of the books that are settled, with their receipts, and signs them. */
export const handler = middy()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(() => sealBooks());
