import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { AdapterQueue } from '#core/adapters/ports.ts';

/** The queue of adapters that are to be looked after. */
export const makeAdapterQueue = (sqs: SQSClient, queueUrl: string): AdapterQueue => ({
  send: async (message, delaySeconds = 0) => {
    await sqs.send(
      new SendMessageCommand({
        QueueUrl: queueUrl,
        MessageBody: JSON.stringify(message),
        DelaySeconds: delaySeconds,
      }),
    );
  },
});
