import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import { wireReportUsage } from '#io/wire/reportUsage.ts';

const { report, logger, metrics } = wireReportUsage(process.env);

/** Every minute: reports overage to Dodo's meter, and lists what comes too late for it. */
export const handler = middy()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(() => report());
