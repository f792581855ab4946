import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { startTestSubscriptions, type TestSubscriptions } from '#test/builders/subscriptions.ts';

let subs: TestSubscriptions;
beforeAll(async () => {
  subs = await startTestSubscriptions();
});
afterAll(() => subs.billing.stop());

const CREDIT = 1_000_000;
const HOUR_MS = 3_600_000;

const accountOf = async (tenantId: TenantId) => {
  const account = await subs.billing.ledger.readAccount(tenantId);
  if (account === undefined) throw new Error('no account');
  return account;
};
const available = async (tenantId: TenantId) => (await accountOf(tenantId)).availableMicro / CREDIT;
const kinds = async (tenantId: TenantId) =>
  Object.values((await accountOf(tenantId)).grants)
    .map(({ kind, remainingMicro }) => [kind, remainingMicro / CREDIT])
    .sort();

test('a paid plan gives its usage and its overage once, however often and in whatever order it is told', async () => {
  const tenantId = await subs.billing.newTenant();
  await subs.billing.dodo.post('/_sim/faults', { webhooks: { duplicates: 2, reorder: true } });
  const id = await subs.subscribe(tenantId);
  await subs.settle();
  await subs.billing.dodo.post('/_sim/redeliver', { subject_id: id, times: 2 });
  await subs.settle();
  await subs.billing.dodo.post('/_sim/faults', { webhooks: { duplicates: 0, reorder: false } });
  expect(await kinds(tenantId)).toEqual([
    ['included', 200],
    ['overage', 500],
  ]);
  expect(await subs.store.subscriptionOf(tenantId)).toMatchObject({
    id,
    status: 'active',
    planId: 'essentials',
    interval: 'monthly',
    review: [],
    steps: [],
  });
});

test('a month that is paid again gives its usage anew, and what was left is gone', async () => {
  const tenantId = await subs.billing.newTenant();
  await subs.subscribe(tenantId);
  await subs.settle();
  await subs.billing.ledger.debit({
    tenantId,
    amountMicro: micro(50 * CREDIT),
    source: { kind: 'admin', id: 'spent' },
    reason: 'spent',
    actor: 'test',
    nowMs: subs.clock.nowMs,
  });
  const record = await subs.store.subscriptionOf(tenantId);
  await subs.advanceTo((record?.billing.endMs ?? 0) + 2 * HOUR_MS);
  await subs.billing.ledger.expire(tenantId, subs.clock.nowMs);
  expect(await kinds(tenantId)).toEqual([
    ['included', 200],
    ['overage', 500],
  ]);
});

test('a pause puts the usage out of reach, and its end brings it back without a second grant', async () => {
  const tenantId = await subs.billing.newTenant();
  const subscription_id = await subs.subscribe(tenantId);
  await subs.settle();
  const move = async (status: string) => {
    await subs.billing.dodo.post('/_sim/subscription', { subscription_id, status });
    await subs.settle();
    return available(tenantId);
  };
  expect(await move('paused')).toBe(0);
  expect(await move('active')).toBe(700);
  expect(await move('paused')).toBe(0);
  expect(await move('active')).toBe(700);
  expect(await move('cancelled')).toBe(0);
  // What has ended does not come back, whatever is told.
  expect(await move('active')).toBe(0);
  expect(await subs.store.readSubscription(subscription_id)).toMatchObject({
    status: 'cancelled',
    review: ['impossible_transition'],
  });
});
