import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { CheckQueue } from '#core/files/ports.ts';

/** The queue of files that wait to be checked. */
export const makeCheckQueue = (sqs: SQSClient, queueUrl: string): CheckQueue => ({
  send: async (message) => {
    await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(message) }));
  },
});
