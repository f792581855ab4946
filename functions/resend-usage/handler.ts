import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import { wireResendUsage } from '#io/wire/resendUsage.ts';

const { resendUsage, logger } = wireResendUsage(process.env);

/** Every five minutes: queues the usage events that the queue did not take at first. */
export const handler = middy()
  .use(injectLambdaContext(logger))
  .handler(() => resendUsage());
