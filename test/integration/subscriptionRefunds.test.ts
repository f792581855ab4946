import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditLedger } from '#core/ledger/audit.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { formatCredits, micro, ZERO } from '#core/shared/money.ts';
import { applySubscription } from '#core/subscriptions/applySubscription.ts';
import { addMonths } from '#core/subscriptions/usagePeriod.ts';
import { makeDodoClient } from '#io/dodo/client.ts';
import { makeSubscriptionProvider } from '#io/dodo/subscriptionProvider.ts';
import { makeAuditSource } from '#io/dynamodb/ledgerAuditSource.ts';
import { API_KEY } from '#test/builders/dodo.ts';
import { aCharge } from '#test/builders/ledger.ts';
import { runs } from '#test/builders/runs.ts';
import { startTestSubscriptions, type TestSubscriptions } from '#test/builders/subscriptions.ts';

const CREDIT = 1_000_000;
const HOUR_MS = 3_600_000;
let subs: TestSubscriptions;
beforeAll(async () => {
  subs = await startTestSubscriptions();
});
afterAll(async () => {
  const { database } = subs.billing;
  const { violations } = await auditLedger(makeAuditSource(database.client, `${database.prefix}ledger`));
  await subs.billing.stop();
  expect(violations).toEqual([]);
});

async function settle() {
  await subs.billing.settle();
  await subs.settle();
}

async function subscribed(wanted: Parameters<TestSubscriptions['subscribe']>[1] = {}) {
  const tenantId = await subs.billing.newTenant();
  const id = await subs.subscribe(tenantId, wanted);
  await settle();
  return { tenantId, id };
}

let calls = 0;
async function use(tenantId: TenantId, amountMicro: number) {
  calls += 1;
  const startedAtMs = subs.clock.nowMs;
  await subs.billing.ledger.settle(tenantId, [
    aCharge(tenantId, `r${calls}`, amountMicro, { startedAtMs, endedAtMs: startedAtMs }),
  ]);
}

/** What is there to spend, by kind, in credits. */
async function left(tenantId: TenantId) {
  const account = await subs.billing.ledger.readAccount(tenantId);
  const of = (kind: string) =>
    Object.values(account?.grants ?? {})
      .filter((grant) => grant.kind === kind)
      .reduce((sum, { remainingMicro }) => sum + remainingMicro, 0) / CREDIT;
  return {
    included: of('included'),
    overage: of('overage'),
    debt: formatCredits(account?.debtMicro ?? ZERO),
  };
}

async function payments(id: string) {
  const { items } = await subs.billing.dodo.sdk.payments.list({ subscription_id: id, page_number: 0 });
  return items.map(({ payment_id, total_amount }) => ({ payment_id, total_amount }));
}
async function refund(id: string, amount?: number, index = 0) {
  const payment = (await payments(id))[index];
  await subs.billing.dodo.post('/_sim/refund', {
    payment_id: payment?.payment_id,
    ...(amount && { amount }),
  });
  await settle();
}

describe('a payment of a subscription that is refunded', () => {
  test('takes back what is not spent of its month, overage too, and makes no debt', async () => {
    const { tenantId, id } = await subscribed();
    await use(tenantId, 150 * CREDIT);
    await refund(id);
    expect(await left(tenantId)).toEqual({ included: 0, overage: 0, debt: '0' });
  });

  test('in part takes its share of what was included, and leaves overage', async () => {
    const { tenantId, id } = await subscribed();
    await refund(id, 50_000);
    expect(await left(tenantId)).toEqual({ included: 150, overage: 500, debt: '0' });
    await use(tenantId, 120 * CREDIT);
    await refund(id, 100_000);
    // Three quarters came back, worth 150; 120 are spent, and what is left of 200 goes.
    expect(await left(tenantId)).toEqual({ included: 0, overage: 500, debt: '0' });
  });

  test('leaves bought credits and the months that follow as they are', async () => {
    const { tenantId, id } = await subscribed();
    await subs.billing.pay(await subs.billing.checkout(tenantId));
    await settle();
    await refund(id);
    expect(formatCredits((await subs.billing.ledger.readAccount(tenantId))?.availableMicro ?? ZERO)).toBe(
      '50',
    );
    const record = await subs.store.readSubscription(id);
    await subs.advanceTo((record?.billing.endMs ?? 0) + 60_000);
    await settle();
    expect(await left(tenantId)).toEqual({ included: 200, overage: 500, debt: '0' });
  });

  test('of a year, gives nothing in its months to come', async () => {
    const { tenantId, id } = await subscribed({ interval: 'annual' });
    const begun = (await subs.store.readSubscription(id))?.billing.startMs ?? 0;
    await refund(id, 1_080_000);
    expect(await left(tenantId)).toMatchObject({ included: 100, overage: 500 });
    const look = async () => {
      await subs.billing.ledger.expire(tenantId, subs.clock.nowMs);
      subs.billing.subscriptionQueue.push({
        ...{ webhookId: 'poll', type: 'poll', subscriptionId: id, status: null, pastDueEndsAtMs: null },
        readsPayments: true,
      });
      await subs.settle();
    };
    await subs.advanceTo(addMonths(begun, 1) + 2 * HOUR_MS);
    await look();
    expect(await left(tenantId)).toMatchObject({ included: 100, overage: 500 });
    await refund(id);
    expect(await left(tenantId)).toEqual({ included: 0, overage: 0, debt: '0' });
    await subs.advanceTo(addMonths(begun, 2) + 2 * HOUR_MS);
    await look();
    expect(await left(tenantId)).toEqual({ included: 0, overage: 0, debt: '0' });
  });

  test('whose webhook never came is found by the poll', async () => {
    const { tenantId, id } = await subscribed();
    await subs.billing.dodo.post('/_sim/faults', { webhooks: { hold: true } });
    await subs.billing.dodo.post('/_sim/refund', { payment_id: (await payments(id))[0]?.payment_id });
    expect(await left(tenantId)).toMatchObject({ included: 200 });
    subs.billing.subscriptionQueue.push({
      ...{ webhookId: 'poll', type: 'poll', subscriptionId: id, status: null, pastDueEndsAtMs: null },
      readsPayments: true,
    });
    await subs.settle();
    expect(await left(tenantId)).toEqual({ included: 0, overage: 0, debt: '0' });
    await subs.billing.dodo.post('/_sim/faults', { webhooks: { hold: false } });
    await settle();
  });
});

test.each([
  ['won', { included: 200, overage: 500, debt: '0' }],
  ['lost', { included: 0, overage: 0, debt: '0' }],
])('a disputed payment puts its month out of reach until the dispute is %s', async (end, after) => {
  const { tenantId, id } = await subscribed();
  const payment_id = (await payments(id))[0]?.payment_id;
  const dispute = async (status: string) => {
    await subs.billing.dodo.post('/_sim/dispute', { payment_id, status });
    await settle();
  };
  await dispute('opened');
  expect(await left(tenantId)).toEqual({ included: 0, overage: 0, debt: '0' });
  await dispute('challenged');
  await dispute(end);
  expect(await left(tenantId)).toEqual(after);
});

test('whatever is used and refunded in whatever order: never more than is unspent, never more than came back', async () => {
  const step = fc.oneof(
    fc.record({ use: fc.integer({ min: 1, max: 120 * CREDIT }) }),
    fc.record({ refund: fc.integer({ min: 1, max: 120_000 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
      const { tenantId, id } = await subscribed();
      let [spent, returned, model] = [0, 0, 200 * CREDIT];
      let withheld = 0;
      for (const one of steps) {
        if ('use' in one) {
          const amount = Math.min(one.use, model);
          if (amount > 0) await use(tenantId, amount);
          spent += amount;
          model -= amount;
        } else {
          const amount = Math.min(one.refund, 200_000 - returned);
          if (amount === 0) continue;
          await refund(id, amount);
          returned += amount;
          const share = Number((200n * BigInt(CREDIT) * BigInt(returned)) / 200_000n);
          model -= Math.min(model, share - withheld);
          withheld = share;
        }
      }
      const now = await left(tenantId);
      expect(now).toMatchObject({ included: model / CREDIT, debt: '0' });
      expect(now.overage).toBe(returned === 200_000 ? 0 : 500);
      expect(micro(spent + model)).toBeLessThanOrEqual(200 * CREDIT);
    }),
    runs(6),
  );
}, 60_000);

test.each([500, 409, 'drop', 'hang'] as const)(
  'while the provider answers with %s a look waits, and the next one gives and takes once',
  async (kind) => {
    const tenantId = await subs.billing.newTenant();
    await subs.billing.dodo.post('/_sim/faults', { webhooks: { hold: true, duplicates: 2, reorder: true } });
    const id = await subs.subscribe(tenantId);
    const impatient = makeDodoClient({ baseURL: subs.billing.dodo.url }, async () => API_KEY, 250);
    const provider = makeSubscriptionProvider(impatient);
    const look = () =>
      applySubscription(
        { ...subs.deps.subscriptions, provider },
        { subscriptionId: id, readsPayments: true },
      );
    const fails = async (path: string) => {
      await subs.billing.dodo.post('/_sim/faults', { api: [{ path, kind, after_ms: 300_000 }] });
      expect(await look()).toMatchObject({ ok: false, error: { code: 'payment_provider_unavailable' } });
    };
    await fails('/subscriptions/');
    expect(await left(tenantId)).toMatchObject({ included: 0, overage: 0 });
    expect(await look()).toMatchObject({ ok: true });
    await subs.billing.dodo.post('/_sim/refund', { payment_id: (await payments(id))[0]?.payment_id });
    await fails('/payments');
    expect(await left(tenantId)).toMatchObject({ included: 200, overage: 500 });
    await Promise.all([look(), look(), look()]);
    // And all that was held back arrives, doubled and in any order.
    await subs.billing.dodo.post('/_sim/faults', { api: [], webhooks: { hold: false } });
    await settle();
    await subs.billing.dodo.post('/_sim/faults', { webhooks: { duplicates: 0, reorder: false } });
    expect(await left(tenantId)).toEqual({ included: 0, overage: 0, debt: '0' });
  },
);
