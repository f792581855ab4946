import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import { wireArchiveUsage } from '#io/wire/archiveUsage.ts';

const { archiveUsage, logger } = wireArchiveUsage(process.env);

/** Every five minutes: brings the usage archive up to date. */
export const handler = middy()
  .use(injectLambdaContext(logger))
  .handler(() => archiveUsage());
