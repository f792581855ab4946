import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import type { SQSEvent } from 'aws-lambda';
import { wireDeployAdapter } from '#io/wire/deployAdapter.ts';

const { receive, logger, metrics } = wireDeployAdapter(process.env);

/** Looks after the one adapter that a batch names; what throws is delivered again. */
export const handler = middy<SQSEvent>()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(async ({ Records }) => {
    for (const { body } of Records) await receive(body);
  });
