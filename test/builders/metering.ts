import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { vi } from 'vitest';
import type { UsageEvent } from '#core/metering/types.ts';
import type { KeyId, TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { BUCKETS, QUEUES, TABLES } from '#io/definitions/resources.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeUsageSink } from '#io/sqs/usageSink.ts';
import { startTestAws, TEST_CREDENTIALS } from './awsService.ts';
import { startTestDatabase } from './database.ts';
import { lambdaContext } from './http.ts';
import { aGrant, aHold, aUsageEvent, entriesOn, KEY_A, NOON_MS, testId } from './ledger.ts';
import { createUsageQueue, drainQueue } from './usageQueue.ts';

/** 20 tokens in and 10 out by the book `per-token`: 0.001 + 20 × 3/1M + 10 × 12/1M credits. */
export const PRICE_MICRO = 1_180;
export const GRANTED_MICRO = 10_000_000;
const HELD_MICRO = 2_000;

const NO_CALLS: readonly Partial<UsageEvent>[] = [];

/**
 * The settlement and the archive with everything real around them: database, queue with its dead-letter queue,
 * bucket, and the two handlers as they are deployed. `metrics` is what they counted.
 */
export async function startMetering(name: string) {
  const [database, aws] = await Promise.all([startTestDatabase(), startTestAws()]);
  const queue = await createUsageQueue(aws.sqs, `${name}-`);
  const bucket = `${name}-${BUCKETS.archive.name}`;
  await aws.s3.send(new CreateBucketCommand({ Bucket: bucket }));
  const tables = {
    ledger: `${database.prefix}${TABLES.ledger.name}`,
    directory: `${database.prefix}${TABLES.directory.name}`,
  };
  const ledger = makeLedgerStore(database.client, tables.ledger);
  const directory = makeDirectory(database.client, tables.directory);

  const metrics: Record<string, unknown>[] = [];
  vi.spyOn(console, 'log').mockImplementation((line) => void metrics.push(JSON.parse(String(line))));
  const environment = {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: TEST_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: TEST_CREDENTIALS.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: database.url,
    AWS_ENDPOINT_URL_S3: aws.url,
    AWS_ENDPOINT_URL_SQS: aws.url,
    [QUEUES.usage.env]: queue.url,
    [TABLES.ledger.env]: tables.ledger,
    [TABLES.directory.env]: tables.directory,
    [TABLES.billing.env]: `${database.prefix}${TABLES.billing.name}`,
    [QUEUES.refills.env]: `${aws.url}/000000000000/${QUEUES.refills.name}`,
    [TABLES.watch.env]: `${database.prefix}${TABLES.watch.name}`,
    [TABLES.versions.env]: `${database.prefix}${TABLES.versions.name}`,
    [BUCKETS.archive.env]: bucket,
    TUNEGATE_PRICE_TABLES_DIR: 'layers/price-tables',
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    POWERTOOLS_DEV: 'true', // writes metrics through the console, where the test can see them,
    POWERTOOLS_METRICS_DISABLED: 'false', // and would leave them out
  };
  for (const [variable, value] of Object.entries(environment)) vi.stubEnv(variable, value);
  const [settlement, archiver] = await Promise.all([
    import('#functions/settle-usage/handler.ts'),
    import('#functions/archive-usage/handler.ts'),
  ]);
  const settle = (event: SQSEvent): Promise<SQSBatchResponse> => settlement.handler(event, lambdaContext);

  /** A tenant with credits and the events of its calls, whose holds are open: what the chat function would send. */
  const tenantWithCalls = async (body: string, calls: readonly Partial<UsageEvent>[] = NO_CALLS) => {
    const tenantId = testId<TenantId>('tenant', body);
    await directory.createTenant(
      { id: tenantId, name: body, status: 'active', priceBookId: 'per-token', createdAtMs: NOON_MS },
      {
        id: `aud_${body}`,
        atMs: NOON_MS,
        actor: 'test',
        action: 'tenant.create',
        tenantId,
        reason: 'test',
        details: {},
      },
    );
    await ledger.openAccount(tenantId, micro(0));
    await ledger.grant(aGrant(tenantId, body, { amountMicro: micro(GRANTED_MICRO) }));
    const events = calls.map((call, n) =>
      aUsageEvent(tenantId, `${body}-${n}`, { priceBook: { id: 'per-token', version: 1 }, ...call }),
    );
    await placeHolds(events);
    return { tenantId, events };
  };

  const placeHolds = async (events: readonly UsageEvent[]): Promise<void> => {
    for (const { tenantId, holdId, keyId } of events) {
      const hold = { ...aHold(tenantId, 'any'), holdId, keyId, amountMicro: micro(HELD_MICRO) };
      if (!(await ledger.placeHold(hold)).ok) throw new Error(`the hold ${holdId} was refused`);
    }
  };

  const send = async (events: readonly UsageEvent[]): Promise<void> => {
    const sink = makeUsageSink(aws.sqs, queue.url);
    await Promise.all(events.map((event) => sink.send(event)));
  };

  /** Every object of the archive by its key. */
  const readArchive = async (): Promise<ReadonlyMap<string, Buffer>> => {
    const { Contents = [] } = await aws.s3.send(new ListObjectsV2Command({ Bucket: bucket }));
    const objects = new Map<string, Buffer>();
    for (const { Key } of Contents) {
      const { Body } = await aws.s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
      objects.set(Key ?? '', Buffer.from((await Body?.transformToByteArray()) ?? []));
    }
    return objects;
  };

  return {
    database,
    aws,
    queue,
    bucket,
    ledger,
    directory,
    metrics,
    settle,
    tenantWithCalls,
    placeHolds,
    send,
    readArchive,
    settleQueue: () => drainQueue(aws.sqs, queue.url, settle),
    archive: async (): Promise<void> => {
      await archiver.handler({}, lambdaContext as Context);
    },
    stop: async () => {
      vi.unstubAllEnvs();
      vi.restoreAllMocks();
      await Promise.all([database.stop(), aws.stop()]);
    },
  };
}

export type Metering = Awaited<ReturnType<typeof startMetering>>;

/** What a tenant was charged, newest first. */
export async function chargesOf({ ledger }: Metering, tenantId: TenantId): Promise<readonly number[]> {
  const entries = entriesOn(await ledger.listEntries(tenantId, { limit: 100 }));
  return entries.filter(({ kind }) => kind === 'charge').map(({ amountMicro }) => -amountMicro);
}

/** Calls over three hours of two days, two keys and two models, a few of them failed. */
export const variedCalls = (count: number): readonly Partial<UsageEvent>[] =>
  Array.from({ length: count }, (_, n) => {
    const startedAtMs = NOON_MS + ([0, 3_600_000, 86_400_000][n % 3] ?? 0) + n * 1_000;
    return {
      startedAtMs,
      endedAtMs: startedAtMs + 200,
      keyId: n % 4 === 0 ? testId<KeyId>('key', 'b') : KEY_A,
      model: n % 5 === 0 ? 'sales' : 'support',
      user: n % 2 === 0 ? null : `user "${n}" – ü`,
      inputTokens: 20 + n,
      ...(n % 7 === 6
        ? { status: 'engine_failed' as const, timeToFirstTokenMs: null, outputTokens: 0, adapter: null }
        : {}),
    };
  });
