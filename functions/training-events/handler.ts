import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import type { SQSEvent } from 'aws-lambda';
import { wireTrainingEvents } from '#io/wire/trainingEvents.ts';

const { receive, logger, metrics } = wireTrainingEvents(process.env);

/** Looks at the jobs that SageMaker's events name; what throws is delivered again. */
export const handler = middy<SQSEvent>()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(async ({ Records }) => {
    for (const { body } of Records) await receive(body);
  });
