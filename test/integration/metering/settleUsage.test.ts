import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { UsageEvent } from '#core/metering/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { METRICS } from '#io/definitions/metrics.ts';
import { TABLES } from '#io/definitions/resources.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeUsageSink } from '#io/sqs/usageSink.ts';
import { startTestAws, TEST_CREDENTIALS, type TestAws } from '#test/builders/awsService.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { lambdaContext } from '#test/builders/http.ts';
import { aGrant, aHold, aUsageEvent, testId } from '#test/builders/ledger.ts';
import { createUsageQueue, drainQueue, receive, type TestQueue } from '#test/builders/usageQueue.ts';

let database: TestDatabase;
let aws: TestAws;
const metrics: Record<string, unknown>[] = [];
let queue: TestQueue;
let ledger: ReturnType<typeof makeLedgerStore>;
let settleUsage: (event: SQSEvent) => Promise<SQSBatchResponse>;

beforeAll(async () => {
  [database, aws] = await Promise.all([startTestDatabase(), startTestAws()]);
  queue = await createUsageQueue(aws.sqs, 'settle-');
  const table = `${database.prefix}${TABLES.ledger.name}`;
  ledger = makeLedgerStore(database.client, table);
  const environment = {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: TEST_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: TEST_CREDENTIALS.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: database.url,
    [TABLES.ledger.env]: table,
    TUNEGATE_PRICE_TABLES_DIR: 'layers/price-tables',
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    POWERTOOLS_DEV: 'true', // writes metrics through the console, where the test can see them,
    POWERTOOLS_METRICS_DISABLED: 'false', // and would leave them out
  };
  vi.spyOn(console, 'log').mockImplementation((line) => void metrics.push(JSON.parse(String(line))));
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const { handler } = await import('#functions/settle-usage/handler.ts');
  settleUsage = (event) => handler(event, lambdaContext);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await Promise.all([database.stop(), aws.stop()]);
});

const HELD = micro(2_000);
/** 20 tokens in and 10 out by the book `per-token`: 0.001 + 20 × 3/1M + 10 × 12/1M credits. */
const PRICE = 1_180;

/** A tenant with an account, and held calls of it: `events[n]` is what the chat function would have sent. */
async function tenantWithCalls(
  body: string,
  count: number,
): Promise<{ tenantId: TenantId; events: UsageEvent[] }> {
  const tenantId = testId<TenantId>('tenant', body);
  await ledger.openAccount(tenantId, micro(0));
  await ledger.grant(aGrant(tenantId, body, { amountMicro: micro(1_000_000) }));
  const events: UsageEvent[] = [];
  for (let n = 0; n < count; n += 1) {
    const hold = aHold(tenantId, `${body}-${n}`, { amountMicro: HELD });
    expect((await ledger.placeHold(hold)).ok).toBe(true);
    events.push(aUsageEvent(tenantId, `${body}-${n}`, { priceBook: { id: 'per-token', version: 1 } }));
  }
  return { tenantId, events };
}

const send = async (events: readonly UsageEvent[]): Promise<void> => {
  const sink = makeUsageSink(aws.sqs, queue.url);
  await Promise.all(events.map((event) => sink.send(event)));
};

async function chargesOf(tenantId: TenantId): Promise<readonly number[]> {
  const { entries } = await ledger.listEntries(tenantId, { limit: 100 });
  return entries.filter(({ kind }) => kind === 'charge').map(({ amountMicro }) => -amountMicro);
}

test('charges every call once, whatever is repeated and in whatever order', async () => {
  const { tenantId, events } = await tenantWithCalls('repeats', 12);
  await send([...events].reverse());
  await send(events.slice(3, 9));
  await drainQueue(aws.sqs, queue.url, settleUsage);
  await send(events);
  await drainQueue(aws.sqs, queue.url, settleUsage);

  expect(await chargesOf(tenantId)).toEqual(events.map(() => PRICE));
  expect(await ledger.readAccount(tenantId)).toMatchObject({
    availableMicro: 1_000_000 - 12 * PRICE,
    heldMicro: 0,
    holds: {},
  });
});

test('a poison event ends in the dead-letter queue while the others go through', async () => {
  const { tenantId, events } = await tenantWithCalls('poison', 4);
  const [unknownBook, unreadable, ...good] = events;
  if (unknownBook === undefined || unreadable === undefined) throw new Error('too few calls');
  await send([
    { ...unknownBook, priceBook: { id: 'per-token', version: 99 } },
    { ...unreadable, inputTokens: -5 },
    ...good,
  ]);
  await drainQueue(aws.sqs, queue.url, settleUsage);

  expect(await chargesOf(tenantId)).toEqual([PRICE, PRICE]);
  expect(metrics).toContainEqual(
    expect.objectContaining({ service: METRICS.poisonEvents.service, [METRICS.poisonEvents.name]: 2 }),
  );
  const dead = await receive(aws.sqs, queue.deadLetterUrl);
  expect(dead.map(({ Body }) => JSON.parse(Body ?? '').id).sort()).toEqual(
    [unknownBook.id, unreadable.id].sort(),
  );
});

test("one tenant's failure leaves the others of the batch alone", async () => {
  const { tenantId, events } = await tenantWithCalls('healthy', 2);
  const nobody = aUsageEvent(testId<TenantId>('tenant', 'nobody'), 'nobody', {
    priceBook: { id: 'per-token', version: 1 },
  });
  const records = [nobody, ...events].map((event) => ({
    messageId: event.id,
    body: JSON.stringify(event),
  }));
  const response = await settleUsage({ Records: records } as unknown as SQSEvent);

  expect(response.batchItemFailures).toEqual([{ itemIdentifier: nobody.id }]);
  expect(await chargesOf(tenantId)).toEqual([PRICE, PRICE]);
});

test('a call whose hold expired before its event came is charged all the same', async () => {
  const { tenantId, events } = await tenantWithCalls('late', 1);
  const hold = aHold(tenantId, 'late-0');
  expect((await ledger.expire(tenantId, hold.expiresAtMs + 1)).holds).toEqual([hold.holdId]);
  await send(events);
  await drainQueue(aws.sqs, queue.url, settleUsage);

  expect(await chargesOf(tenantId)).toEqual([PRICE]);
  expect(await ledger.readAccount(tenantId)).toMatchObject({
    availableMicro: 1_000_000 - PRICE,
    heldMicro: 0,
  });
});

test('a batch that cannot be read at all is delivered again as a whole', async () => {
  const response = await settleUsage({
    Records: [{ messageId: 'one' }, { messageId: 'two' }],
  } as unknown as SQSEvent);
  expect(response.batchItemFailures).toEqual([{ itemIdentifier: 'one' }, { itemIdentifier: 'two' }]);
});
