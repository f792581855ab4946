import type { SQSEvent } from 'aws-lambda';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TenantId } from '#core/shared/ids.ts';
import { METRICS } from '#io/definitions/metrics.ts';
import { aHold, aUsageEvent, testId } from '#test/builders/ledger.ts';
import {
  chargesOf,
  GRANTED_MICRO,
  type Metering,
  PRICE_MICRO,
  startMetering,
} from '#test/builders/metering.ts';
import { receive, toRecord } from '#test/builders/usageQueue.ts';

let metering: Metering;
beforeAll(async () => {
  metering = await startMetering('settle');
});
afterAll(() => metering.stop());

const calls = (count: number) => Array.from({ length: count }, () => ({}));

test('charges every call once, whatever is repeated and in whatever order', async () => {
  const { tenantId, events } = await metering.tenantWithCalls('repeats', calls(12));
  await metering.send([...events].reverse());
  await metering.send(events.slice(3, 9));
  await metering.settleQueue();
  await metering.send(events);
  await metering.settleQueue();

  expect(await chargesOf(metering, tenantId)).toEqual(events.map(() => PRICE_MICRO));
  expect(await metering.ledger.readAccount(tenantId)).toMatchObject({
    availableMicro: GRANTED_MICRO - 12 * PRICE_MICRO,
    heldMicro: 0,
    holds: {},
  });
});

test('a poison event ends in the dead-letter queue while the others go through', async () => {
  const { tenantId, events } = await metering.tenantWithCalls('poison', calls(4));
  const [unknownBook, unreadable, ...good] = events;
  if (unknownBook === undefined || unreadable === undefined) throw new Error('too few calls');
  await metering.send([
    { ...unknownBook, priceBook: { id: 'per-token', version: 99 } },
    { ...unreadable, inputTokens: -5 },
    ...good,
  ]);
  await metering.settleQueue();

  expect(await chargesOf(metering, tenantId)).toEqual([PRICE_MICRO, PRICE_MICRO]);
  expect(metering.metrics).toContainEqual(
    expect.objectContaining({ service: METRICS.poisonEvents.service, [METRICS.poisonEvents.name]: 2 }),
  );
  const dead = await receive(metering.aws.sqs, metering.queue.deadLetterUrl);
  expect(dead.map(({ Body }) => JSON.parse(Body ?? '').id).sort()).toEqual(
    [unknownBook.id, unreadable.id].sort(),
  );
});

test('what can never be settled is offered again soon, what may pass only after its time', async () => {
  const { events } = await metering.tenantWithCalls('again', calls(2));
  const [unreadable, early] = events;
  if (unreadable === undefined || early === undefined) throw new Error('too few calls');
  const { sqs } = metering.aws;
  const { url } = metering.queue;
  await metering.send([
    { ...unreadable, inputTokens: -5 },
    { ...early, priceBook: { id: 'per-token', version: 99 } },
  ]);
  const delivered = await receive(sqs, url);
  expect((await metering.settle({ Records: delivered.map(toRecord) })).batchItemFailures).toHaveLength(2);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect((await receive(sqs, url)).map(({ Body }) => JSON.parse(Body ?? '').id)).toEqual([unreadable.id]);
});

test("one tenant's failure leaves the others of the batch alone", async () => {
  const { tenantId, events } = await metering.tenantWithCalls('healthy', calls(2));
  const nobody = aUsageEvent(testId<TenantId>('tenant', 'nobody'), 'nobody', {
    priceBook: { id: 'per-token', version: 1 },
  });
  const Records = [nobody, ...events].map((event) => ({ messageId: event.id, body: JSON.stringify(event) }));
  const response = await metering.settle({ Records } as unknown as SQSEvent);

  expect(response.batchItemFailures).toEqual([{ itemIdentifier: nobody.id }]);
  expect(await chargesOf(metering, tenantId)).toEqual([PRICE_MICRO, PRICE_MICRO]);
});

test('a call whose hold expired before its event came is charged all the same', async () => {
  const { tenantId, events } = await metering.tenantWithCalls('late', calls(1));
  const hold = aHold(tenantId, 'late-0');
  expect((await metering.ledger.expire(tenantId, hold.expiresAtMs + 1)).holds).toEqual([hold.holdId]);
  await metering.send(events);
  await metering.settleQueue();

  expect(await chargesOf(metering, tenantId)).toEqual([PRICE_MICRO]);
  expect(await metering.ledger.readAccount(tenantId)).toMatchObject({
    availableMicro: GRANTED_MICRO - PRICE_MICRO,
    heldMicro: 0,
  });
});

test('what a call cost beyond what was left is counted as a loss', async () => {
  const { tenantId, events } = await metering.tenantWithCalls('loss', [{ outputTokens: 1_000_000 }]);
  await metering.send(events);
  await metering.settleQueue();

  expect(await chargesOf(metering, tenantId)).toEqual([GRANTED_MICRO]);
  expect(metering.metrics).toContainEqual(
    expect.objectContaining({ service: METRICS.shortfalls.service, [METRICS.shortfalls.name]: 1 }),
  );
});

test('a batch that cannot be read at all is delivered again as a whole', async () => {
  const Records = [{ messageId: 'one' }, { messageId: 'two' }];
  const response = await metering.settle({ Records } as unknown as SQSEvent);
  expect(response.batchItemFailures).toEqual([{ itemIdentifier: 'one' }, { itemIdentifier: 'two' }]);
});
