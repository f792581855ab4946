import type { SendMessageBatchCommandInput, SendMessageBatchCommandOutput } from '@aws-sdk/client-sqs';
import { SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { UsageEvent } from '#core/metering/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { makeUsageSink } from '#io/sqs/usageSink.ts';
import { startTestAws, TEST_CREDENTIALS, type TestAws } from '#test/builders/awsService.ts';
import { aUsageEvent, testId } from '#test/builders/ledger.ts';
import { createUsageQueue, receive, type TestQueue } from '#test/builders/usageQueue.ts';

let aws: TestAws;
let queue: TestQueue;
let tests = 0;
beforeAll(async () => {
  aws = await startTestAws();
});
beforeEach(async () => {
  tests += 1;
  queue = await createUsageQueue(aws.sqs, `sink${tests}-`);
});
afterAll(() => aws.stop());

const events = (count: number): readonly UsageEvent[] =>
  Array.from({ length: count }, (_, n) => aUsageEvent(testId<TenantId>('tenant', 'sink'), `${tests}-${n}`));

async function queuedIds(): Promise<readonly string[]> {
  const ids: string[] = [];
  for (
    let found = await receive(aws.sqs, queue.url);
    found.length > 0;
    found = await receive(aws.sqs, queue.url)
  )
    ids.push(...found.map(({ Body }) => JSON.parse(Body ?? '').id));
  return ids.sort();
}

const idsOf = (sent: readonly UsageEvent[]) => sent.map(({ id }) => id).sort();

/** A client of the real queue that counts its calls, and whose queue refuses some messages of a batch. */
function clientRefusing(refuses: (body: string, call: number) => 'at_fault' | 'busy' | undefined) {
  const sqs = new SQSClient({ endpoint: aws.url, region: 'us-east-1', credentials: TEST_CREDENTIALS });
  const calls = { count: 0 };
  sqs.middlewareStack.add(
    (next) => async (args) => {
      calls.count += 1;
      const input = args.input as SendMessageBatchCommandInput;
      const refused = (input.Entries ?? []).map((entry) => ({
        entry,
        why: refuses(entry.MessageBody ?? '', calls.count),
      }));
      const Failed = refused
        .filter(({ why }) => why !== undefined)
        .map(({ entry, why }) => ({ Id: entry.Id, Code: 'Refused', SenderFault: why === 'at_fault' }));
      const Entries = refused.filter(({ why }) => why === undefined).map(({ entry }) => entry);
      if (Entries.length === 0) return { output: { Failed, Successful: [], $metadata: {} }, response: {} };
      const answer = await next({ ...args, input: { ...input, Entries } });
      const output = answer.output as SendMessageBatchCommandOutput;
      return { ...answer, output: { ...output, Failed } };
    },
    { step: 'initialize' },
  );
  return { sqs, calls };
}

test('an event is taken whatever its client calls a user, and comes out as it went in', async () => {
  const [event] = events(1);
  if (event === undefined) throw new Error('no event');
  const user = 'café 顧客 🎉 \uffff \ufffe \u0000 "quoted"';
  await makeUsageSink(aws.sqs, queue.url).send({ ...event, user });
  const [message] = await receive(aws.sqs, queue.url);
  expect(JSON.parse(message?.Body ?? '')).toEqual({ ...event, user });
});

test('an event on its own leaves at once, in one call', async () => {
  const { sqs, calls } = clientRefusing(() => undefined);
  const [event] = events(1);
  if (event === undefined) throw new Error('no event');
  await makeUsageSink(sqs, queue.url).send(event);
  expect(calls.count).toBe(1);
  expect(await queuedIds()).toEqual([event.id]);
});

test('events of concurrent calls leave together, each once', async () => {
  const { sqs, calls } = clientRefusing(() => undefined);
  const sink = makeUsageSink(sqs, queue.url);
  const sent = events(94);
  await Promise.all(sent.map((event) => sink.send(event)));
  expect(calls.count).toBe(13); // four leave alone, ninety in tens
  expect(await queuedIds()).toEqual(idsOf(sent));
});

test('what a batch was refused for the moment is offered again', async () => {
  const { sqs } = clientRefusing((body, call) => (call < 3 && body.includes('-1"') ? 'busy' : undefined));
  const sink = makeUsageSink(sqs, queue.url);
  const sent = events(12);
  await Promise.all(sent.map((event) => sink.send(event)));
  expect(await queuedIds()).toEqual(idsOf(sent));
});

test('an event that is refused for good fails alone, and its sender hears of it', async () => {
  for (const why of ['at_fault', 'busy'] as const) {
    const sent = events(8).map((event) => ({ ...event, user: why }));
    const bad = sent[6];
    const { sqs } = clientRefusing((body) => (body.includes(`"${bad?.id}"`) ? why : undefined));
    const sink = makeUsageSink(sqs, queue.url);
    const outcomes = await Promise.allSettled(sent.map((event) => sink.send(event)));
    expect(outcomes.map(({ status }) => status === 'rejected')).toEqual(sent.map((event) => event === bad));
    expect(await queuedIds()).toEqual(idsOf(sent.filter((event) => event !== bad)));
  }
});

test('a queue that is not there fails the events, and the sink goes on', async () => {
  const sink = makeUsageSink(aws.sqs, `${queue.url}-missing`);
  const [first, second] = events(2);
  if (first === undefined || second === undefined) throw new Error('no events');
  await expect(sink.send(first)).rejects.toThrow();
  await expect(sink.send(second)).rejects.toThrow();
});
