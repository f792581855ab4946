import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import batchFailures from '@middy/sqs-partial-batch-failure';
import type { SQSEvent } from 'aws-lambda';
import { wireSettleUsage } from '#io/wire/settleUsage.ts';

const { settle, reportStopped, logger } = wireSettleUsage(process.env);

/** Settles a batch of usage events; SQS delivers again only those that could not be settled. */
export const handler = middy<SQSEvent>()
  .use(injectLambdaContext(logger))
  .use(batchFailures({ logger: reportStopped }))
  .handler(async ({ Records }) => {
    const outcomes = await settle(
      Records.map(({ messageId, body, receiptHandle }) => ({ id: messageId, body, receiptHandle })),
    );
    return outcomes.map(({ result }) =>
      result.ok ? { status: 'fulfilled' } : { status: 'rejected', reason: result.error },
    );
  });
