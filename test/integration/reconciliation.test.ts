import { gzipSync } from 'node:zlib';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { archiveKey } from '#core/metering/archiveLine.ts';
import { dayAt } from '#core/metering/periods.ts';
import { type ReconcileDeps, reconcileDay } from '#core/reconciliation/reconcileDay.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { makeDodoClient } from '#io/dodo/client.ts';
import { makeMeteredUsage } from '#io/dodo/meteredUsage.ts';
import { makeLateUsageList } from '#io/dynamodb/lateUsageList.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeOverageOutbox } from '#io/dynamodb/overageOutbox.ts';
import { makeLostCalls, makeReconciliationStore } from '#io/dynamodb/reconciliationStore.ts';
import { makeArchiveReader } from '#io/s3/archiveReader.ts';
import { startTestBilling, type TestBilling } from '#test/builders/billing.ts';
import { API_KEY } from '#test/builders/dodo.ts';
import { NOON_MS, testId } from '#test/builders/ledger.ts';
import { type Metering, startMetering } from '#test/builders/metering.ts';

const NOON_DAY = dayAt(NOON_MS);
const NOON_HOUR = `${NOON_DAY}T12`;

let metering: Metering;
let billing: TestBilling;
let deps: ReconcileDeps;
let tenants: TenantId[] = [];
beforeAll(async () => {
  [metering, billing] = await Promise.all([startMetering('reconciled'), startTestBilling()]);
  await billing.dodo.post('/_sim/faults', { webhooks: { hold: true } });
});
afterAll(() => Promise.all([metering.stop(), billing.stop()]));

/** The books of the tenants of one test: usage in one database, payments in another, as if they were one. */
beforeEach(() => {
  tenants = [];
  billing.queue.length = 0;
  const dodo = makeDodoClient({ baseURL: billing.dodo.url }, async () => API_KEY);
  const { client, prefix } = metering.database;
  const listTenants = async () => ({
    tenants: tenants.map((id) => ({
      id,
      name: id,
      status: 'active' as const,
      priceBookId: 'x',
      createdAtMs: 1,
    })),
    nextCursor: null,
  });
  deps = {
    directory: { listTenants },
    ledger: metering.ledger,
    archive: makeArchiveReader(metering.aws.s3, metering.bucket),
    lostCalls: makeLostCalls(client, `${prefix}billing`),
    provider: billing.provider,
    billing: billing.store,
    subscriptions: { readSubscription: async () => undefined },
    queue: billing.receiveDeps.queue,
    meteredAtDodo: makeMeteredUsage(dodo, 'tunegate.overage'),
    outbox: makeOverageOutbox(client, `${prefix}ledger`),
    lateUsage: makeLateUsageList(client, `${prefix}ledger`),
    jobs: { ofMonth: async () => [] },
    awsCosts: { ofMonth: async () => ({ ok: true, value: undefined }) },
    aws: { endpoints: [], jobNamePrefix: 'tunegate-test', endpointOfCall: async () => undefined },
    store: makeReconciliationStore(client, `${prefix}billing`),
    clock: () => NOON_MS + 86_400_000,
  };
});

const usageOf = async (over: Partial<ReconcileDeps> = {}) => {
  const report = await reconcileDay({ ...deps, ...over }, NOON_DAY);
  // The builder's own credits name payments that Dodo never saw: those are another test's.
  const ofUsage = report.differences.filter(({ pair }) => pair === 'gateway_ledger');
  return {
    ...report,
    unknownCount: ofUsage.filter(({ cause }) => cause === 'unknown').length,
    found: ofUsage.map(({ id, cause }) => [id, cause]),
  };
};

async function someCalls(body: string, count = 3) {
  const made = await metering.tenantWithCalls(
    body,
    Array.from({ length: count }, () => ({})),
  );
  tenants.push(made.tenantId);
  return made;
}

const archived = async (tenantId: TenantId): Promise<readonly string[]> => {
  const lines: string[] = [];
  const calls = await deps.archive.callsOf(tenantId, NOON_HOUR);
  for (const call of calls ?? []) lines.push(JSON.stringify(call));
  return lines;
};
const putArchive = (tenantId: TenantId, lines: readonly string[]) =>
  metering.aws.s3.send(
    new PutObjectCommand({
      Bucket: metering.bucket,
      Key: archiveKey(tenantId, NOON_HOUR),
      Body: gzipSync(`${lines.join('\n')}\n`),
    }),
  );

test('a day on which nothing went wrong agrees to the millionth, whatever was sent twice', async () => {
  const { events } = await someCalls('agree', 5);
  await metering.send([...events, ...events.slice(0, 2)]);
  await metering.settleQueue();
  await metering.archive();
  const report = await usageOf();
  expect(report).toMatchObject({ found: [], unknownCount: 0 });
  const [totals] = report.totals;
  expect(totals).toMatchObject({ pair: 'gateway_ledger', compared: 5 });
  expect(totals?.leftMicro).toBe(totals?.rightMicro);
  expect(totals?.leftMicro).toBeGreaterThan(0);
});

test('a lost message is unknown, and a delayed one is known, by the hold that ran out', async () => {
  const { tenantId, events } = await someCalls('lost', 3);
  const [fine, late, lost] = events;
  if (fine === undefined || late === undefined || lost === undefined) throw new Error('three calls');
  await metering.send([fine]);
  await metering.settleQueue();
  const expired = await metering.ledger.expire(tenantId, NOON_MS + 86_000_000);
  const calls = expired.holds.map((holdId) => ({ tenantId, holdId }));
  await makeLostCalls(metering.database.client, `${metering.database.prefix}billing`).note(calls, NOON_MS);
  await metering.send([late]);
  await metering.settleQueue();
  await metering.archive();
  const { found, unknownCount } = await usageOf();
  expect(found.sort()).toEqual(
    [
      [late.holdId, 'settled_late'],
      [lost.holdId, 'unknown'],
    ].sort(),
  );
  expect(unknownCount).toBe(1);
});

test('what is not archived yet is known, what the archive lost, doubled, changed or made up is not', async () => {
  const pending = await someCalls('pending', 2);
  await metering.send(pending.events);
  await metering.settleQueue();
  const early = await usageOf();
  expect(early.found).toEqual([[NOON_HOUR, 'archive_pending']]);
  expect(early.differences.find(({ id }) => id === NOON_HOUR)?.note).toMatch(/^2 calls/);

  await metering.archive();
  const [first = '', second = ''] = await archived(pending.tenantId);
  const changed = JSON.stringify({ ...JSON.parse(first), costMicro: 1 });
  const madeUp = JSON.stringify({ eventId: 'use_nobody', costMicro: 5 });
  for (const [lines, unknown] of [
    [[first], [idIn(second)]],
    [[first, second, second], [idIn(second)]],
    [[changed, second], [idIn(first)]],
    [[first, second, madeUp], ['use_nobody']],
  ] as const) {
    await putArchive(pending.tenantId, lines);
    expect((await usageOf()).found).toEqual(unknown.map((id) => [id, 'unknown']));
  }
  await metering.aws.s3.send(
    new DeleteObjectCommand({ Bucket: metering.bucket, Key: archiveKey(pending.tenantId, NOON_HOUR) }),
  );
  expect((await usageOf()).unknownCount).toBe(2);
});

const idIn = (line: string): string => JSON.parse(line).eventId;

test('a payment without a webhook is found, applied and gone from the next report', async () => {
  const today = dayAt(Date.now());
  const tenantId = await billing.newTenant();
  const books = {
    ...deps,
    ledger: makeLedgerStore(billing.database.client, `${billing.database.prefix}ledger`),
  };
  tenants.push(tenantId);
  const paymentId = await billing.pay(await billing.checkout(tenantId));
  const before = await reconcileDay(books, today);
  expect(before.differences).toMatchObject([
    {
      pair: 'ledger_payments',
      id: paymentId,
      cause: 'webhook_missed',
      leftMicro: null,
      rightMicro: 50_000_000,
    },
  ]);
  await billing.settle();
  const after = await reconcileDay(books, today);
  expect([after.differences, after.unknownCount]).toEqual([[], 0]);
  expect(after.totals.find(({ pair }) => pair === 'ledger_payments')).toMatchObject({
    leftMicro: 50_000_000,
    rightMicro: 50_000_000,
  });
});

test('credits without a payment, and a payment without credits, have no cause', async () => {
  const today = dayAt(Date.now());
  const tenantId = await billing.newTenant();
  tenants.push(tenantId);
  const paymentId = await billing.pay(await billing.checkout(tenantId));
  const books = {
    ...deps,
    ledger: makeLedgerStore(billing.database.client, `${billing.database.prefix}ledger`),
  };
  await reconcileDay(books, today);
  await billing.settle();
  await billing.ledger.grant({
    tenantId,
    grantId: testId('grant', 'invented'),
    kind: 'pack',
    amountMicro: 1_000_000 as never,
    source: { kind: 'payment', id: 'pay_invented' },
    reason: 'nobody paid',
    actor: 'test',
    nowMs: Date.now(),
  });
  const without = {
    ...billing.store,
    readPayment: async (id: string) => {
      const record = await billing.store.readPayment(id);
      return record === undefined
        ? undefined
        : {
            ...record,
            steps: record.steps.map((step) =>
              step.kind === 'grant' ? { ...step, amountMicro: 7 as never } : step,
            ),
          };
    },
  };
  const invented = (await reconcileDay(books, today)).differences.filter((d) => d.tenantId === tenantId);
  expect(invented).toMatchObject([{ id: 'pay_invented', cause: 'unknown' }]);
  const changed = await reconcileDay({ ...books, billing: without }, today);
  expect(changed.differences.find(({ id }) => id === paymentId)).toMatchObject({ cause: 'unknown' });
});

test('Dodo being away is said, and the other books are held against each other all the same', async () => {
  await billing.dodo.post('/_sim/faults', { api: [{ path: '/', kind: 500, times: 9 }] });
  const report = await reconcileDay(deps, NOON_DAY);
  await billing.dodo.post('/_sim/faults', { api: [] });
  const dodos = report.unread.filter(({ isFault }) => isFault).map(({ pair }) => pair);
  expect(dodos).toEqual(['ledger_payments', 'ledger_refunds', 'ledger_usage']);
  expect(report.totals).toEqual([]);
});

test('overage at Dodo agrees, waits, is late, or is unknown', async () => {
  const { tenantId, events } = await someCalls('metered', 4);
  const { customer_id } = await billing.dodo.sdk.customers.create({ email: 'm@client.example', name: 'M' });
  const [fine, waiting, lost] = events;
  if (fine === undefined || waiting === undefined || lost === undefined) throw new Error('four calls');
  await metering.send(events);
  await metering.settleQueue();
  await metering.archive();
  const spent = new Map<string, number>([
    [fine.id, 10],
    [waiting.id, 20],
    [lost.id, 30],
  ]);
  const entriesOfHour: ReconcileDeps['ledger']['entriesOfHour'] = async function* (id, hour) {
    for await (const entry of metering.ledger.entriesOfHour(id, hour)) {
      const overageMicro = spent.get(entry.source.id);
      yield overageMicro === undefined ? entry : { ...entry, overageMicro: overageMicro as never };
    }
  };
  await billing.dodo.post('/_sim/clock', { now: new Date(NOON_MS).toISOString() });
  await billing.dodo.sdk.usageEvents.ingest({
    events: [
      [fine.id, '10'],
      ['use_foreign', '40'],
    ].map(([event_id = '', micro_credits = '']) => ({
      event_id,
      customer_id,
      event_name: 'tunegate.overage',
      timestamp: new Date(NOON_MS).toISOString(),
      metadata: { micro_credits },
    })),
  });
  const report = await reconcileDay(
    {
      ...deps,
      ledger: { ...metering.ledger, entriesOfHour },
      outbox: {
        pending: async () => [{ id: waiting.id, tenantId, amountMicro: 20 as never, atMs: NOON_MS }],
      },
    },
    NOON_DAY,
  );
  const found = report.differences
    .filter(({ pair }) => pair === 'ledger_usage')
    .map(({ id, cause }) => [id, cause]);
  expect(found.sort()).toEqual(
    [
      [waiting.id, 'waiting_in_outbox'],
      [lost.id, 'unknown'],
      ['use_foreign', 'unknown'],
    ].sort(),
  );
});
