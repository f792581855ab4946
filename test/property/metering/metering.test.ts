import { gunzipSync } from 'node:zlib';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, expect } from 'vitest';
import { dayOf } from '#core/ledger/rollup.ts';
import { archiveUsage } from '#core/metering/archiveUsage.ts';
import { settleUsage } from '#core/metering/settleUsage.ts';
import type { UsageEvent } from '#core/metering/types.ts';
import { reportUsage, type UsageSum } from '#core/metering/usageReport.ts';
import { parsePriceBooks } from '#core/pricing/parsePriceBooks.ts';
import { bookByVersion } from '#core/pricing/priceBooks.ts';
import { rateUsage } from '#core/pricing/rateUsage.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { loadPriceBooks } from '#io/priceTables.ts';
import { makeUsageArchive } from '#io/s3/usageArchive.ts';
import { startTestAws, TEST_CREDENTIALS, type TestAws } from '#test/builders/awsService.ts';
import { type Crash, makeCrashPoint } from '#test/builders/crashPoint.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { aGrant, aHold, aUsageEvent, NOON_MS, testId } from '#test/builders/ledger.ts';
import { variedCalls } from '#test/builders/metering.ts';
import { fixedBooks } from '#test/builders/prices.ts';

const EVENTS = 10;
const HELD_MICRO = 5_000;
const BUCKET = 'property-archive';
const books = loadPriceBooks({ TUNEGATE_PRICE_TABLES_DIR: 'layers/price-tables' }, parsePriceBooks);
let database: TestDatabase;
let aws: TestAws;
let parts: ReturnType<typeof makeParts>;
let tenants = 0;

beforeAll(async () => {
  [database, aws] = await Promise.all([startTestDatabase(), startTestAws()]);
  await aws.s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  parts = makeParts();
});
afterAll(() => Promise.all([database.stop(), aws.stop()]));

/** The settlement and the archive, over clients that can die. */
function makeParts() {
  const s3 = new S3Client({
    endpoint: aws.url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: TEST_CREDENTIALS,
  });
  const crashes = makeCrashPoint();
  database.client.middlewareStack.add(crashes.middleware, { step: 'initialize' });
  s3.middlewareStack.add(crashes.middleware, { step: 'initialize' });
  return {
    ledger: makeLedgerStore(database.client, `${database.prefix}ledger`),
    archive: makeUsageArchive(s3, BUCKET),
    crashes,
  };
}

type Step =
  | { readonly kind: 'deliver'; readonly picks: readonly number[]; readonly crash: Crash | undefined }
  | { readonly kind: 'archive'; readonly crash: Crash | undefined };

const crash = fc.option(
  fc.record({ atCall: fc.nat({ max: 6 }), side: fc.constantFrom('before' as const, 'after' as const) }),
  { nil: undefined },
);
const steps = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('deliver' as const),
        picks: fc.array(fc.nat({ max: EVENTS - 1 }), { minLength: 1, maxLength: 8 }),
        crash,
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('archive' as const), crash }) },
  ),
  { maxLength: 6 },
);

async function newTenant(): Promise<{ tenantId: TenantId; events: readonly UsageEvent[] }> {
  tenants += 1;
  const body = `t${tenants}`;
  const tenantId = testId<TenantId>('tenant', body);
  const { ledger } = parts;
  await ledger.openAccount(tenantId, micro(0));
  await ledger.grant(aGrant(tenantId, body, { amountMicro: micro(1_000_000) }));
  const events = variedCalls(EVENTS).map((call, n) =>
    aUsageEvent(tenantId, `${body}-${n}`, { ...call, priceBook: { id: 'per-token', version: 1 } }),
  );
  for (const { holdId } of events) {
    await ledger.placeHold({ ...aHold(tenantId, 'any'), holdId, amountMicro: micro(HELD_MICRO) });
  }
  return { tenantId, events };
}

async function take(step: Step, tenantId: TenantId, events: readonly UsageEvent[]): Promise<void> {
  const { ledger, archive, crashes } = parts;
  await crashes.run<unknown>(step.crash, () => {
    if (step.kind === 'deliver') {
      const messages = step.picks.map((pick, n) => ({ id: `${n}`, body: JSON.stringify(events[pick]) }));
      return settleUsage({ ledger, books: fixedBooks(books) }, messages);
    }
    const listTenants = async () => ({ tenants: [{ ...TENANT, id: tenantId }], nextCursor: null });
    return archiveUsage({ book: ledger, archive, directory: { listTenants } });
  });
}

const TENANT = { name: 'any', status: 'active', priceBookId: 'per-token', createdAtMs: NOON_MS } as const;

/** Every line that the archive holds of a tenant. */
async function archivedLines(tenantId: TenantId): Promise<readonly Record<string, unknown>[]> {
  const { Contents = [] } = await aws.s3.send(new ListObjectsV2Command({ Bucket: BUCKET }));
  const lines: Record<string, unknown>[] = [];
  for (const { Key } of Contents) {
    if (Key?.endsWith(`/${tenantId}.jsonl.gz`) !== true) continue;
    const { Body } = await aws.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
    const text = gunzipSync((await Body?.transformToByteArray()) ?? new Uint8Array()).toString();
    for (const line of text.trim().split('\n')) lines.push(JSON.parse(line));
  }
  return lines;
}

/** What the events come to, worked out from them alone. */
function expected(events: readonly UsageEvent[]): UsageSum {
  const costs = events.map((event) => {
    const book = bookByVersion(books, event.priceBook);
    const rated = book === undefined ? undefined : rateUsage(book, event);
    if (rated?.ok !== true) throw new Error('the event has no price');
    return rated.value;
  });
  const sum = (of: (event: UsageEvent) => number) => events.reduce((total, event) => total + of(event), 0);
  return {
    calls: events.length,
    failedCalls: sum(({ status }) => (status === 'engine_failed' ? 1 : 0)),
    inputTokens: sum(({ inputTokens }) => inputTokens),
    outputTokens: sum(({ outputTokens }) => outputTokens),
    computeMs: sum(({ computeMs }) => computeMs),
    costMicro: micro(costs.reduce((total, cost) => total + cost, 0)),
  };
}

test.prop([steps], { numRuns: 12 })(
  'any batching, repetition, order and crash of the same events gives the same ledger, roll-ups and archive',
  async (history) => {
    const { tenantId, events } = await newTenant();
    for (const step of history) await take(step, tenantId, events);
    // What SQS and the schedule do in the end: every message is delivered, every hour that is due is archived.
    await take({ kind: 'deliver', picks: events.map((_, n) => n), crash: undefined }, tenantId, events);
    await take({ kind: 'archive', crash: undefined }, tenantId, events);

    const total = expected(events);
    const { ledger } = parts;
    expect(await ledger.readAccount(tenantId)).toMatchObject({
      availableMicro: 1_000_000 - total.costMicro,
      heldMicro: 0,
      holds: {},
    });
    const rollups = await ledger.listRollups(tenantId, dayOf(NOON_MS), dayOf(NOON_MS + 2 * 86_400_000));
    expect(reportUsage(rollups, []).total).toEqual(total);
    expect(await ledger.archiveDue(tenantId)).toEqual([]);
    const lines = await archivedLines(tenantId);
    expect(lines.map(({ eventId }) => eventId).sort()).toEqual(events.map(({ id }) => id).sort());
    expect(lines.reduce((sum, { costMicro }) => sum + Number(costMicro), 0)).toBe(total.costMicro);
  },
);
