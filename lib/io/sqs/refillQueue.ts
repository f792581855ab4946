import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { RefillQueue } from '#core/refill/ports.ts';

/** The queue of tenants whose refill should be looked at. */
export const makeRefillQueue = (sqs: SQSClient, queueUrl: string): RefillQueue => ({
  send: async (message) => {
    await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(message) }));
  },
});
