import middy from '@middy/core';
import batchFailures from '@middy/sqs-partial-batch-failure';
import type { SQSEvent } from 'aws-lambda';
import { wireReconcileBooks } from '#io/wire/reconcileBooks.ts';

const { reconcile, failed } = wireReconcileBooks(process.env);

/** Holds the books of a day against each other: gateway, ledger, Dodo and AWS. */
export const handler = middy<SQSEvent>()
  .use(batchFailures({ logger: failed }))
  .handler(({ Records }) => Promise.allSettled(Records.map(({ body }) => reconcile(body))));
