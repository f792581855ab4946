import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { PaymentQueue } from '#core/billing/ports.ts';

/** The payments queue. `send` resolves when SQS has the message. */
export const makePaymentQueue = (sqs: SQSClient, queueUrl: string): PaymentQueue => ({
  send: async (message) => {
    await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(message) }));
  },
});
