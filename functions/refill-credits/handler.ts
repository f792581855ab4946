import middy from '@middy/core';
import batchFailures from '@middy/sqs-partial-batch-failure';
import type { SQSEvent } from 'aws-lambda';
import { wireRefillCredits } from '#io/wire/refillCredits.ts';

const { refill, failed } = wireRefillCredits(process.env);

/** Buys credits for tenants whose own have run low, as they wished; SQS delivers again only what threw. */
export const handler = middy<SQSEvent>()
  .use(batchFailures({ logger: failed }))
  .handler(({ Records }) => Promise.allSettled(Records.map(({ body }) => refill(body))));
