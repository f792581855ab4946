import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { SQSEvent } from 'aws-lambda';
import { wireShadowCall } from '#io/wire/shadowCall.ts';

const { runShadow, logger } = wireShadowCall(process.env);

/** Puts the one call that a batch holds to its shadow; what throws is delivered again. */
export const handler = middy<SQSEvent>()
  .use(injectLambdaContext(logger))
  .handler(async ({ Records }) => {
    for (const { body } of Records) await runShadow(body);
  });
