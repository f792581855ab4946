import middy from '@middy/core';
import batchFailures from '@middy/sqs-partial-batch-failure';
import type { SQSEvent } from 'aws-lambda';
import { wireApplyPayment } from '#io/wire/applyPayment.ts';

const { apply, postponed } = wireApplyPayment(process.env);

/** Applies payments to the ledger; SQS delivers again only those that could not be applied. */
export const handler = middy<SQSEvent>()
  .use(batchFailures({ logger: postponed }))
  .handler(({ Records }) => Promise.allSettled(Records.map(({ body }) => apply(body))));
