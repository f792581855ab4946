import { SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { UsageEvent } from '#core/metering/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { QUEUES, TABLES } from '#io/definitions/resources.ts';
import { makeDurableUsage } from '#io/durableUsage.ts';
import { makeKeptUsage } from '#io/dynamodb/keptUsage.ts';
import { makeUsageKeeper } from '#io/dynamodb/usageKeeper.ts';
import { makeUsageSink } from '#io/sqs/usageSink.ts';
import { startTestAws, TEST_CREDENTIALS, type TestAws } from '#test/builders/awsService.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { lambdaContext } from '#test/builders/http.ts';
import { aUsageEvent, testId } from '#test/builders/ledger.ts';
import { createUsageQueue, drainQueue } from '#test/builders/usageQueue.ts';

const TENANT = testId<TenantId>('tenant', 'resend');
const MORE_THAN_A_PAGE = 103;
const NOBODY_LISTENS = 'http://127.0.0.1:1';

let database: TestDatabase;
let aws: TestAws;
let queue: Awaited<ReturnType<typeof createUsageQueue>>;
let table: string;
let resend: (sqsUrl: string) => Promise<unknown>;

beforeAll(async () => {
  [database, aws] = await Promise.all([startTestDatabase(), startTestAws()]);
  queue = await createUsageQueue(aws.sqs, 'resend-');
  table = `${database.prefix}${TABLES.idempotency.name}`;
  resend = async (sqsUrl) => {
    const environment = {
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: TEST_CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: TEST_CREDENTIALS.secretAccessKey,
      AWS_ENDPOINT_URL_DYNAMODB: database.url,
      AWS_ENDPOINT_URL_SQS: sqsUrl,
      AWS_MAX_ATTEMPTS: '1',
      [QUEUES.usage.env]: queue.url.replace(aws.url, sqsUrl),
      [TABLES.idempotency.env]: table,
      POWERTOOLS_LOG_LEVEL: 'SILENT',
    };
    for (const [variable, value] of Object.entries(environment)) vi.stubEnv(variable, value);
    vi.resetModules();
    const { handler } = await import('#functions/resend-usage/handler.ts');
    return handler({}, lambdaContext);
  };
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await Promise.all([database.stop(), aws.stop()]);
});

const idsOf = (events: readonly Pick<UsageEvent, 'id'>[]) => events.map(({ id }) => id).sort();
const keptIds = async () => idsOf(await makeKeptUsage(database.client, table).oldest(1_000));

test('events that the queue did not take are kept, and sent once it does', async () => {
  const away = new SQSClient({
    endpoint: NOBODY_LISTENS,
    region: 'us-east-1',
    credentials: TEST_CREDENTIALS,
    maxAttempts: 1,
  });
  const warnings: unknown[] = [];
  const sink = makeDurableUsage(
    makeUsageSink(away, queue.url.replace(aws.url, NOBODY_LISTENS)),
    makeUsageKeeper(database.client, table),
    (error) => warnings.push(error),
  );
  const events = Array.from({ length: MORE_THAN_A_PAGE }, (_, n) => aUsageEvent(TENANT, `kept-${n}`));
  await Promise.all(events.map((event) => sink.send(event)));
  expect(warnings).toHaveLength(MORE_THAN_A_PAGE);
  expect(await keptIds()).toEqual(idsOf(events));

  await expect(resend(NOBODY_LISTENS)).rejects.toThrow();
  expect(await keptIds()).toEqual(idsOf(events));

  await resend(aws.url);
  expect(await keptIds()).toEqual([]);
  const queued: UsageEvent[] = [];
  await drainQueue(aws.sqs, queue.url, async ({ Records }) => {
    queued.push(...Records.map(({ body }) => JSON.parse(body)));
    return { batchItemFailures: [] };
  });
  expect(idsOf(queued)).toEqual(idsOf(events));
});
