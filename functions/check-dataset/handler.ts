import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { SQSEvent } from 'aws-lambda';
import { wireCheckDataset } from '#io/wire/checkDataset.ts';

const { check, logger } = wireCheckDataset(process.env);

/** Checks the one file that a batch names; what throws is delivered again. */
export const handler = middy<SQSEvent>()
  .use(injectLambdaContext(logger))
  .handler(async ({ Records }) => {
    for (const { body, attributes } of Records) await check(body, Number(attributes.ApproximateReceiveCount));
  });
