import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { QUEUES } from '#io/definitions/resources.ts';
import { makeMessageReturn } from '#io/sqs/messageReturn.ts';

export type TestQueue = { readonly url: string; readonly deadLetterUrl: string };

/** The usage queue with its dead-letter queue, as they are defined; messages that failed come back at once. */
export async function createUsageQueue(sqs: SQSClient, prefix: string): Promise<TestQueue> {
  const create = async (name: string, attributes: Record<string, string> = {}): Promise<string> => {
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }));
    if (QueueUrl === undefined) throw new Error(`queue ${name} was not created`);
    return onLoopback(QueueUrl, sqs);
  };
  const deadLetterUrl = await create(`${prefix}${QUEUES.usage.name}-dlq`);
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: deadLetterUrl, AttributeNames: ['QueueArn'] }),
  );
  const url = await create(`${prefix}${QUEUES.usage.name}`, {
    VisibilityTimeout: String(QUEUES.usage.visibilitySeconds),
    RedrivePolicy: JSON.stringify({
      deadLetterTargetArn: Attributes?.['QueueArn'],
      maxReceiveCount: QUEUES.usage.maxReceives,
    }),
  });
  return { url, deadLetterUrl };
}

// The emulator names a host in its queue URLs that nothing resolves; the SDK would go there.
async function onLoopback(queueUrl: string, sqs: SQSClient): Promise<string> {
  const endpoint = await sqs.config.endpoint?.();
  if (endpoint === undefined) return queueUrl;
  return `http://${endpoint.hostname}:${endpoint.port}${new URL(queueUrl).pathname}`;
}

type Handle = (event: SQSEvent) => Promise<SQSBatchResponse>;

/** Plays Lambda's part: delivers batches until the queue is empty, deleting what the handler did not report as failed. */
export async function drainQueue(sqs: SQSClient, url: string, handle: Handle): Promise<void> {
  // What the handler gave back already is not ours any more, which is no failure of the test.
  const returnAtOnce = makeMessageReturn(sqs, url, { afterSeconds: 0, onFailure: () => undefined });
  for (let messages = await receive(sqs, url); messages.length > 0; messages = await receive(sqs, url)) {
    const { batchItemFailures } = await handle({ Records: messages.map(toRecord) });
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    for (const { MessageId = '', ReceiptHandle = '' } of messages) {
      if (failed.has(MessageId)) await returnAtOnce([ReceiptHandle]);
      else await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle }));
    }
  }
}

/** What lies in a queue, taken out of it. */
export async function receive(sqs: SQSClient, url: string): Promise<readonly Message[]> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10 }),
  );
  return Messages;
}

export function toRecord({ MessageId = '', Body = '', ReceiptHandle = '' }: Message): SQSRecord {
  return {
    messageId: MessageId,
    receiptHandle: ReceiptHandle,
    body: Body,
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: '0',
      SenderId: 'test',
      ApproximateFirstReceiveTimestamp: '0',
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:usage',
    awsRegion: 'us-east-1',
  };
}
