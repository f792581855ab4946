import middy from '@middy/core';
import batchFailures from '@middy/sqs-partial-batch-failure';
import type { SQSEvent } from 'aws-lambda';
import { wireApplySubscription } from '#io/wire/applySubscription.ts';

const { apply, postponed } = wireApplySubscription(process.env);

/** Applies subscriptions and licences to ledger and keys; SQS delivers again only those that could not be applied. */
export const handler = middy<SQSEvent>()
  .use(batchFailures({ logger: postponed }))
  .handler(({ Records }) => Promise.allSettled(Records.map(({ body }) => apply(body))));
