import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSEvent, SQSRecord } from 'aws-lambda';
import * as z from 'zod/mini';
import type { LocalFunction } from './localFunction.ts';

/** How long one poll of an empty queue lasts. */
const POLL_SECONDS = 20;
/** SQS's own limit of messages in one call. */
const MAX_PER_CALL = 10;
const PAUSE_AFTER_ERROR_MS = 1_000;

const BatchAnswer = z.nullish(
  z.object({ batchItemFailures: z.optional(z.array(z.object({ itemIdentifier: z.string() }))) }),
);

export type QueueMapping = {
  readonly sqs: SQSClient;
  readonly queueUrl: string;
  readonly queueArn: string;
  readonly target: LocalFunction;
  readonly batchSize: number;
  readonly windowSeconds: number;
  readonly maxConcurrency: number;
  readonly log: (message: string, error?: unknown) => void;
};

/**
 * Does what Lambda's SQS event source mapping does: polls, gathers batches, calls the function, deletes what
 * succeeded and leaves what failed to the queue, which delivers it again after its visibility timeout and moves it to
 * its dead-letter queue in the end. `stop` ends the polling and waits for the batches at work.
 */
export function startQueueMapping(mapping: QueueMapping): { readonly stop: () => Promise<void> } {
  const { sqs, queueUrl: QueueUrl, log } = mapping;
  const stopping = new AbortController();
  const working = new Set<Promise<void>>();

  const receive = async (max: number, waitSeconds: number): Promise<readonly Message[]> => {
    const command = new ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages: Math.min(MAX_PER_CALL, max),
      WaitTimeSeconds: waitSeconds,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    });
    return (await sqs.send(command, { abortSignal: stopping.signal })).Messages ?? [];
  };

  /** Waits for a first message, then takes what comes within the window, up to a batch. */
  async function gather(): Promise<readonly Message[]> {
    const batch = [...(await receive(mapping.batchSize, POLL_SECONDS))];
    const closesAtMs = Date.now() + mapping.windowSeconds * 1_000;
    try {
      while (batch.length > 0 && batch.length < mapping.batchSize && Date.now() < closesAtMs) {
        batch.push(...(await receive(mapping.batchSize - batch.length, 1)));
      }
    } catch (error) {
      if (!stopping.signal.aborted) log(`polling for ${mapping.target.name} failed`, error);
    }
    return batch;
  }

  async function poll(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const batch = await gather();
        if (batch.length === 0) continue;
        if (stopping.signal.aborted) await giveBack(batch);
        else track(work(batch));
        while (working.size >= mapping.maxConcurrency) await Promise.race(working);
      } catch (error) {
        if (stopping.signal.aborted) return;
        log(`polling for ${mapping.target.name} failed`, error);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_AFTER_ERROR_MS));
      }
    }
  }

  function track(work: Promise<void>): void {
    const tracked: Promise<void> = work
      .catch((error: unknown) => log(`a batch of ${mapping.target.name} failed`, error))
      .finally(() => working.delete(tracked));
    working.add(tracked);
  }

  async function work(batch: readonly Message[]): Promise<void> {
    const event: SQSEvent = { Records: batch.map((message) => recordOf(message, mapping.queueArn)) };
    const answer = BatchAnswer.parse(await mapping.target.invoke(event));
    const failed = new Set((answer?.batchItemFailures ?? []).map((failure) => failure.itemIdentifier));
    const known = new Set(batch.map((message) => message.MessageId));
    // As on AWS: an id that was not in the batch makes the whole batch fail.
    if ([...failed].some((id) => !known.has(id)))
      throw new Error('the function reported a message it was not given');
    const done = batch.filter((message) => !failed.has(message.MessageId ?? ''));
    for (const Entries of entriesOf(done))
      await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  }

  async function giveBack(batch: readonly Message[]): Promise<void> {
    for (const entries of entriesOf(batch)) {
      const Entries = entries.map((entry) => ({ ...entry, VisibilityTimeout: 0 }));
      await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
    }
  }

  const polling = poll();
  return {
    stop: async () => {
      stopping.abort();
      await polling;
      await Promise.all(working);
    },
  };
}

function* entriesOf(messages: readonly Message[]): Generator<{ Id: string; ReceiptHandle: string }[]> {
  for (let from = 0; from < messages.length; from += MAX_PER_CALL) {
    yield messages
      .slice(from, from + MAX_PER_CALL)
      .map((message, at) => ({ Id: `m${from + at}`, ReceiptHandle: message.ReceiptHandle ?? '' }));
  }
}

function recordOf(message: Message, queueArn: string): SQSRecord {
  const system = message.Attributes ?? {};
  return {
    messageId: message.MessageId ?? '',
    receiptHandle: message.ReceiptHandle ?? '',
    body: message.Body ?? '',
    attributes: {
      ...system,
      ApproximateReceiveCount: system.ApproximateReceiveCount ?? '1',
      SentTimestamp: system.SentTimestamp ?? '0',
      SenderId: system.SenderId ?? '',
      ApproximateFirstReceiveTimestamp: system.ApproximateFirstReceiveTimestamp ?? '0',
    },
    messageAttributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => [
        name,
        {
          dataType: value.DataType ?? 'String',
          ...(value.StringValue === undefined ? {} : { stringValue: value.StringValue }),
          ...(value.BinaryValue === undefined
            ? {}
            : { binaryValue: Buffer.from(value.BinaryValue).toString('base64') }),
        },
      ]),
    ),
    md5OfBody: message.MD5OfBody ?? '',
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: 'us-east-1',
  };
}
