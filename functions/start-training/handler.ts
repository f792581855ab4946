import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import type { SQSEvent } from 'aws-lambda';
import { wireStartTraining } from '#io/wire/startTraining.ts';

const { start, logger, metrics } = wireStartTraining(process.env);

/** Does what is next for the one job that a batch names, and starts whatever can start; what throws is delivered again. */
export const handler = middy<SQSEvent>()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(async ({ Records }) => {
    for (const { body } of Records) await start(body);
  });
