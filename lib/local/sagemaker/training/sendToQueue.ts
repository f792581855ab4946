import type { SQSClient } from '@aws-sdk/client-sqs';

/** Sends to an SQS queue what an EventBridge rule would. The SDK is loaded with the first event. */
export function makeQueueSender(QueueUrl: string): (MessageBody: string) => Promise<void> {
  let client: SQSClient | undefined;
  return async (MessageBody) => {
    const { SendMessageCommand, SQSClient } = await import('@aws-sdk/client-sqs');
    client ??= new SQSClient({});
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  };
}
