import {
  ChangeMessageVisibilityCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import type { ScheduledEvent, SQSEvent } from 'aws-lambda';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FUNCTIONS } from '#io/definitions/functions.ts';
import { QUEUES } from '#io/definitions/resources.ts';
import { type Handler, makeLocalFunction } from '#local/host/localFunction.ts';
import { startQueueMapping } from '#local/host/queueMapping.ts';
import { startSchedule } from '#local/host/schedule.ts';
import { createQueues } from '#local/setup/queuesAndBuckets.ts';
import { startTestAws, type TestAws } from '#test/builders/awsService.ts';

let aws: TestAws;
beforeAll(async () => {
  aws = await startTestAws();
  await createQueues(aws.sqs, aws.url);
});
afterAll(() => aws.stop());

const QueueArn = 'arn:aws:sqs:us-east-1:000000000000:tunegate-usage';
const urlOf = (name: string) => `${aws.url}/000000000000/tunegate-${name}`;

function mapTo(handler: Handler, queue: string, options: { readonly windowSeconds?: number } = {}) {
  const log: string[] = [];
  const mapping = startQueueMapping({
    sqs: aws.sqs,
    queueUrl: urlOf(queue),
    queueArn: QueueArn,
    target: makeLocalFunction('settle-usage', FUNCTIONS['settle-usage'], handler),
    batchSize: 10,
    windowSeconds: options.windowSeconds ?? 0,
    maxConcurrency: 2,
    log: (message, error) => log.push(`${message}: ${error}`),
  });
  return { ...mapping, log };
}
const sendAll = async (queue: string, bodies: readonly string[]) => {
  for (const MessageBody of bodies) {
    await aws.sqs.send(new SendMessageCommand({ QueueUrl: urlOf(queue), MessageBody }));
  }
};
const left = async (queue: string): Promise<readonly number[]> => {
  const command = new GetQueueAttributesCommand({ QueueUrl: urlOf(queue), AttributeNames: ['All'] });
  const { Attributes } = await aws.sqs.send(command);
  const { ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible } = Attributes ?? {};
  return [Number(ApproximateNumberOfMessages), Number(ApproximateNumberOfMessagesNotVisible)];
};

// First, because a poll that is cut off by the end of a mapping still takes one message from the emulator.
test('a message that fails too often ends in the dead-letter queue', async () => {
  const QueueUrl = urlOf('payments');
  await sendAll('payments', ['poison']);
  for (let delivery = 0; delivery < QUEUES.payments.maxReceives + 1; delivery++) {
    const received = await aws.sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    for (const { ReceiptHandle } of received.Messages ?? []) {
      await aws.sqs.send(
        new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }),
      );
    }
  }
  const { Messages = [] } = await aws.sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: urlOf('payments-dlq'),
      WaitTimeSeconds: 2,
      MaxNumberOfMessages: 10,
    }),
  );
  expect(Messages.map((message) => message.Body)).toContain('poison');
});

test('every message reaches the function once, in batches, as Lambda gives them', async () => {
  const events: SQSEvent[] = [];
  await sendAll('usage', ['1', '2', '3']);
  const mapping = mapTo((...[event]) => void events.push(event as SQSEvent), 'usage', { windowSeconds: 1 });
  await expect.poll(() => events.flatMap((e) => e.Records).length, { timeout: 10_000 }).toBe(3);
  await expect.poll(() => left('usage')).toEqual([0, 0]);
  await mapping.stop();
  const records = events.flatMap((event) => event.Records);
  expect(records.map((record) => record.body).sort()).toEqual(['1', '2', '3']);
  expect(records[0]).toMatchObject({
    eventSource: 'aws:sqs',
    eventSourceARN: QueueArn,
    attributes: { ApproximateReceiveCount: '1' },
  });
  expect(events.length).toBeLessThan(3);
});

test('what failed stays for another delivery and what succeeded is gone', async () => {
  let calls = 0;
  await sendAll('payments', ['good', 'bad']);
  const handler: Handler = (...[event]) => {
    calls += 1;
    const { Records } = event as SQSEvent;
    const failed = Records.filter((record) => record.body === 'bad');
    return { batchItemFailures: failed.map((record) => ({ itemIdentifier: record.messageId })) };
  };
  const mapping = mapTo(handler, 'payments', { windowSeconds: 1 });
  await expect.poll(() => calls, { timeout: 10_000 }).toBeGreaterThan(0);
  await mapping.stop();
  expect(await left('payments')).toEqual([0, 1]);
});

test('a function that throws keeps its whole batch, and says so in the log', async () => {
  await sendAll('usage', ['a', 'b']);
  const mapping = mapTo(
    () => {
      throw new Error('database away');
    },
    'usage',
    { windowSeconds: 1 },
  );
  await expect.poll(() => mapping.log.join(), { timeout: 10_000 }).toContain('database away');
  await mapping.stop();
  const [visible = 0, inFlight = 0] = await left('usage');
  expect(visible + inFlight).toBe(2);
});

test('a schedule calls its function soon after the start, and stops', async () => {
  const events: ScheduledEvent[] = [];
  const schedule = startSchedule({
    target: makeLocalFunction(
      'expire-holds',
      FUNCTIONS['expire-holds'],
      (...[event]) => void events.push(event as ScheduledEvent),
    ),
    everyMinutes: 1,
    log: () => undefined,
  });
  await expect.poll(() => events.length, { timeout: 5_000 }).toBe(1);
  await schedule.stop();
  expect(events[0]).toMatchObject({ 'detail-type': 'Scheduled Event', source: 'aws.events' });
});
