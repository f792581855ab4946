import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { ReconciliationQueue } from '#core/reconciliation/ports.ts';

/** The queue of days whose books shall be held against each other. */
export const makeReconciliationQueue = (sqs: SQSClient, queueUrl: string): ReconciliationQueue => ({
  send: async (message) => {
    await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(message) }));
  },
});
