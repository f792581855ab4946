import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SubscriptionQueue } from '#core/subscriptions/ports.ts';

/** The queue of subscriptions and licences that should be looked at. */
export const makeSubscriptionQueue = (sqs: SQSClient, queueUrl: string): SubscriptionQueue => ({
  send: async (message) => {
    await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(message) }));
  },
});
