import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';

/** A queue of messages of one kind, as JSON. */
export type MessageQueue<T> = {
  /** `delaySeconds` ≤ 900: the message is seen no sooner. */
  readonly send: (message: T, delaySeconds?: number) => Promise<void>;
};

export const makeMessageQueue = <T>(sqs: SQSClient, queueUrl: string): MessageQueue<T> => ({
  send: async (message, delaySeconds) => {
    await sqs.send(
      new SendMessageCommand({
        QueueUrl: queueUrl,
        MessageBody: JSON.stringify(message),
        ...(delaySeconds === undefined ? {} : { DelaySeconds: delaySeconds }),
      }),
    );
  },
});
