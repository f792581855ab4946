import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { auditLedger } from '#core/ledger/audit.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { invoiceOf } from '#core/subscriptions/invoice.ts';
import type { LateUse } from '#core/subscriptions/overagePorts.ts';
import { makeLateUsageList } from '#io/dynamodb/lateUsageList.ts';
import { makeAuditSource } from '#io/dynamodb/ledgerAuditSource.ts';
import { type CrashPoint, withCrash } from '#test/builders/crash.ts';
import { aCharge } from '#test/builders/ledger.ts';
import { overageOf } from '#test/builders/overage.ts';
import { runs } from '#test/builders/runs.ts';
import { PLANS, startTestSubscriptions, type TestSubscriptions } from '#test/builders/subscriptions.ts';

let subs: TestSubscriptions;
beforeAll(async () => {
  subs = await startTestSubscriptions();
});
beforeEach(() => subs.outbox.writePause({ failures: 0, untilMs: 0 }));
afterAll(async () => {
  const { database } = subs.billing;
  const { violations } = await auditLedger(makeAuditSource(database.client, `${database.prefix}ledger`));
  await subs.billing.stop();
  expect(violations).toEqual([]);
});

const CREDIT = 1_000_000;
const HOUR_MS = 3_600_000;
const { faults, use, report, spentTenant, metered, waiting } = overageOf(() => subs);
const lateList = () =>
  makeLateUsageList(subs.billing.database.client, `${subs.billing.database.prefix}ledger`);
async function late(tenantId: TenantId): Promise<readonly LateUse[]> {
  const uses: LateUse[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await lateList().list({ limit: 100, ...(cursor === undefined ? {} : { cursor }) });
    uses.push(...page.uses);
    cursor = page.nextCursor;
  }
  return uses.filter((use) => use.tenantId === tenantId);
}

test('what is used beyond the plan is on the next invoice, to the cent', async () => {
  const { tenantId, subscriptionId } = await spentTenant();
  const amounts = [1_234_567, 5_000, 999_999, 1, 123_456_789];
  const sum = amounts.reduce((total, amount) => total + amount, 0);
  await use(tenantId, amounts);
  expect(await report()).toMatchObject({ reported: 5, late: [], waiting: 0, failure: null });
  expect(await metered(subscriptionId)).toBe(sum);

  const record = await subs.store.readSubscription(subscriptionId);
  await subs.advanceTo((record?.billing.endMs ?? 0) + 60_000);
  const { items } = await subs.billing.dodo.sdk.payments.list({
    subscription_id: subscriptionId,
    page_number: 0,
  });
  const plan = PLANS.plans[0];
  if (plan === undefined) throw new Error('no plan');
  const invoice = invoiceOf(PLANS, { plan, interval: 'monthly', addOns: [], overageMicro: micro(sum) });
  // 125.696356 credits at a dollar each, beside 2,000 dollars.
  expect(invoice.totalMinor).toBe(212_570);
  expect(items.map((payment) => payment.total_amount)).toContain(invoice.totalMinor);
  expect(await metered(subscriptionId)).toBe(0);
});

test('overage ends at its limit: what is held never goes beyond it', async () => {
  const { tenantId } = await spentTenant();
  const hold = (amount: number, body: string) =>
    subs.billing.ledger.placeHold({
      ...{ tenantId, keyId: aCharge(tenantId, 'x', 0).event.keyId },
      holdId: aCharge(tenantId, `h${body}${tenantId.slice(-6)}`, 0).event.holdId,
      amountMicro: micro(amount),
      nowMs: subs.clock.nowMs,
      expiresAtMs: subs.clock.nowMs + 60_000,
    });
  const placed = await Promise.all(Array.from({ length: 8 }, (_, n) => hold(100 * CREDIT, String(n))));
  expect(placed.filter(({ ok }) => ok)).toHaveLength(5);
});

test('a use is reported once, however often the run dies between its steps', async () => {
  const { tenantId, subscriptionId } = await spentTenant();
  const whole = withCrash({ outbox: subs.outbox, meter: subs.meter }, undefined);
  await use(tenantId, [7, 7, 7]);
  await report(whole.ports);
  let expected = 21;
  for (let call = 1; call <= whole.calls(); call += 1) {
    for (const when of ['before', 'after'] as const) {
      await use(tenantId, [5, 3]);
      expected += 8;
      const crashed = withCrash({ outbox: subs.outbox, meter: subs.meter }, {
        call,
        when,
      } satisfies CrashPoint);
      await report(crashed.ports).catch(() => undefined);
      await report();
      expect(await metered(subscriptionId), `died ${when} call ${call}`).toBe(expected);
    }
  }
  expect(await waiting(tenantId)).toEqual([]);
  expect(await late(tenantId)).toEqual([]);
});

test('an answer that is lost, a time-out or a refusal of Dodo loses nothing and doubles nothing', async () => {
  const { tenantId, subscriptionId } = await spentTenant();
  let expected = 0;
  for (const kind of ['drop', 500, 409, 429]) {
    await use(tenantId, [11]);
    expected += 11;
    await faults([{ method: 'POST', path: '/events/ingest', kind, times: 1 }]);
    expect((await report()).failure).not.toBeNull();
    // The next try waits its turn.
    expect(await report()).toMatchObject({ reported: 0, failure: null });
    const { untilMs } = await subs.outbox.readPause();
    expect(untilMs).toBeGreaterThan(subs.clock.nowMs);
    await subs.outbox.writePause({ failures: 1, untilMs: 0 });
    expect(await report()).toMatchObject({ waiting: 0, failure: null });
    expect(await metered(subscriptionId)).toBe(expected);
  }
  expect(await subs.outbox.readPause()).toEqual({ failures: 0, untilMs: 0 });
});

test('pauses grow with failures and stay short enough for several tries within the hour', async () => {
  const { tenantId } = await spentTenant();
  await use(tenantId, [1]);
  const pauses: number[] = [];
  for (let failure = 0; failure < 6; failure += 1) {
    await faults([{ path: '/events/ingest', kind: 500, times: 1 }]);
    await report();
    const pause = await subs.outbox.readPause();
    pauses.push((pause.untilMs - subs.clock.nowMs) / 60_000);
    await subs.outbox.writePause({ ...pause, untilMs: 0 });
  }
  expect(pauses).toEqual([1, 2, 4, 8, 8, 8]);
  await report();
});

test('what comes too late for Dodo is listed, unless Dodo has it already', async () => {
  const { tenantId, subscriptionId } = await spentTenant();
  await use(tenantId, [100]);
  await use(tenantId, [20, 20], HOUR_MS + 60_000);
  // This one reached Dodo in a run that died before it noted so, and is noted long after.
  const [sent] = await waiting(tenantId);
  await use(tenantId, [3]);
  const fresh = (await waiting(tenantId)).filter(({ amountMicro }) => amountMicro === 3);
  const customerId = (await subs.billing.directory.readTenant(tenantId))?.dodoCustomerId ?? '';
  await subs.meter.ingest(fresh.map((one) => ({ ...one, customerId })));
  expect(sent).toBeDefined();
  subs.clock.nowMs += 59 * 60_000;
  await subs.billing.dodo.post('/_sim/clock', { now: new Date(subs.clock.nowMs).toISOString() });
  const { late: found } = await report();
  expect(found.filter(({ reason }) => reason === 'too_late')).toHaveLength(3);
  expect((await late(tenantId)).map(({ amountMicro, reason }) => [amountMicro, reason]).sort()).toEqual([
    [100, 'too_late'],
    [20, 'too_late'],
    [20, 'too_late'],
  ]);
  expect(await metered(subscriptionId)).toBe(3);
  expect(await waiting(tenantId)).toEqual([]);
  // Another run, and one that repeats the move, change nothing.
  await report();
  expect(await late(tenantId)).toHaveLength(3);
});

test('one use that Dodo refuses is listed, and the others of its batch are reported', async () => {
  const [good, bad] = [await spentTenant(), await spentTenant()];
  await subs.billing.directory.updateTenant(
    bad.tenantId,
    { dodoCustomerId: 'cus_gone' },
    {
      ...{ id: 'aud_x', atMs: 1, actor: 'test', action: 'test', tenantId: bad.tenantId },
      reason: 'test',
      details: {},
    },
  );
  await use(good.tenantId, [1, 2, 3, 4, 5]);
  await use(bad.tenantId, [9]);
  expect(await report()).toMatchObject({ reported: 5, late: [{ reason: 'refused' }], waiting: 0 });
  expect(await metered(good.subscriptionId)).toBe(15);
  expect(await late(bad.tenantId)).toMatchObject([{ amountMicro: 9, reason: 'refused', status: 'open' }]);
});

test('at most a thousand uses go in a call, and a large backlog within the calls of a run', async () => {
  const { tenantId, subscriptionId } = await spentTenant();
  for (let batch = 0; batch < 21; batch += 1)
    await use(
      tenantId,
      Array.from({ length: 100 }, () => 1),
    );
  const sizes: number[] = [];
  const meter = {
    ...subs.meter,
    ingest: (uses: Parameters<typeof subs.meter.ingest>[0]) => {
      sizes.push(uses.length);
      return subs.meter.ingest(uses);
    },
  };
  expect(await report({ outbox: subs.outbox, meter })).toMatchObject({ reported: 2_100, waiting: 0 });
  expect(sizes).toEqual([1_000, 1_000, 100]);
  expect(await metered(subscriptionId)).toBe(2_100);
}, 60_000);

test('random usage: what the entries say is what Dodo has, what waits and what is late, in whatever order', async () => {
  const { tenantId, subscriptionId } = await spentTenant();
  let used = 0;
  const step = fc.oneof(
    fc.record({ use: fc.array(fc.integer({ min: 1, max: 90_000 }), { minLength: 1, maxLength: 6 }) }),
    fc.record({ fail: fc.constantFrom('drop' as const, 500, 429) }),
    fc.record({ old: fc.integer({ min: 1, max: 500 }) }),
    fc.constant({ report: true }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 8 }), async (steps) => {
      for (const one of steps) {
        if ('use' in one) {
          await use(tenantId, one.use);
          used += one.use.reduce((sum, amount) => sum + amount, 0);
        } else if ('old' in one) {
          await use(tenantId, [one.old], 2 * HOUR_MS);
          used += one.old;
        } else {
          if ('fail' in one) await faults([{ path: '/events/ingest', kind: one.fail, times: 1 }]);
          await report();
          await subs.outbox.writePause({ failures: 0, untilMs: 0 });
        }
      }
      const sum = (uses: readonly { readonly id: string; readonly amountMicro: number }[]) =>
        uses.reduce((total, { amountMicro }) => total + amountMicro, 0);
      await faults([]);
      await report();
      expect(await waiting(tenantId)).toEqual([]);
      expect((await metered(subscriptionId)) + sum(await late(tenantId))).toBe(used);
    }),
    runs(10),
  );
}, 60_000);
