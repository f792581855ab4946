import { setTimeout as delay } from 'node:timers/promises';
import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { UsageSink } from '#core/metering/ports.ts';
import type { UsageEvent } from '#core/metering/types.ts';
import { messageBody } from './messageBody.ts';

/** SQS takes at most ten messages at once. */
const MAX_BATCH = 10;
/** Calls under way at once; what comes meanwhile is gathered into the next batch. */
const MAX_CALLS = 4;
/** How often a message is offered to SQS when only parts of a batch were taken; the SDK repeats failed calls itself. */
const MAX_ATTEMPTS = 4;
const FIRST_PAUSE_MS = 25;

type Waiting = {
  readonly body: string;
  readonly taken: () => void;
  readonly failed: (reason: unknown) => void;
};

/**
 * Sends usage events to the usage queue. An event on its own leaves at once; while calls are under way, further
 * events gather and leave together, so that one call carries up to ten. `send` resolves when SQS has the event.
 */
export function makeUsageSink(sqs: SQSClient, queueUrl: string): UsageSink {
  const waiting: Waiting[] = [];
  let calls = 0;

  const flush = async (): Promise<void> => {
    calls += 1;
    for (let batch = waiting.splice(0, MAX_BATCH); batch.length > 0; batch = waiting.splice(0, MAX_BATCH)) {
      await sendBatch(sqs, queueUrl, batch);
    }
    calls -= 1;
  };

  return {
    send: (event: UsageEvent) =>
      new Promise<void>((taken, failed) => {
        waiting.push({ body: messageBody(event), taken, failed });
        if (calls < MAX_CALLS) void flush();
      }),
  };
}

/** Settles every waiting event of the batch, one way or the other; never throws. */
async function sendBatch(sqs: SQSClient, queueUrl: string, batch: readonly Waiting[]): Promise<void> {
  let open = batch;
  for (let attempt = 1; open.length > 0; attempt += 1) {
    try {
      open = await offer(sqs, queueUrl, open, attempt === MAX_ATTEMPTS);
    } catch (reason) {
      for (const event of open) event.failed(reason);
      return;
    }
    if (open.length > 0) await delay(FIRST_PAUSE_MS * 2 ** (attempt - 1));
  }
}

/** Offers events to SQS once; answers those that are worth another attempt. */
async function offer(
  sqs: SQSClient,
  queueUrl: string,
  events: readonly Waiting[],
  isLast: boolean,
): Promise<readonly Waiting[]> {
  const { Successful = [], Failed = [] } = await sqs.send(
    new SendMessageBatchCommand({
      QueueUrl: queueUrl,
      Entries: events.map(({ body }, index) => ({ Id: String(index), MessageBody: body })),
    }),
  );
  const taken = new Set(Successful.map(({ Id }) => Id));
  const refusals = new Map(Failed.map((failure) => [failure.Id, failure]));
  return events.filter((event, index) => {
    const id = String(index);
    if (taken.has(id)) {
      event.taken();
      return false;
    }
    const refusal = refusals.get(id);
    if (!isLast && refusal?.SenderFault !== true) return true;
    event.failed(new Error(`the usage queue refused an event: ${refusal?.Code ?? 'no answer'}`));
    return false;
  });
}
