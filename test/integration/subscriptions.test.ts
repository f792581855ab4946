import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { applySubscription } from '#core/subscriptions/applySubscription.ts';
import { findDueSubscriptions } from '#core/subscriptions/findDueSubscriptions.ts';
import { openSubscription } from '#core/subscriptions/openSubscription.ts';
import { addMonths } from '#core/subscriptions/usagePeriod.ts';
import { systemWorld } from '#io/world.ts';
import { startTestSubscriptions, type TestSubscriptions } from '#test/builders/subscriptions.ts';

let subs: TestSubscriptions;
beforeAll(async () => {
  subs = await startTestSubscriptions();
});
afterAll(() => subs.billing.stop());

const CREDIT = 1_000_000;
const WANTED = {
  interval: 'monthly',
  addOns: [],
  withSetup: false,
  returnUrl: null,
  email: null,
  idempotencyKey: null,
} as const;
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

test('a year is paid once and gives its usage month by month', async () => {
  const tenantId = await subs.billing.newTenant();
  const id = await subs.subscribe(tenantId, { planId: 'growth', interval: 'annual' });
  await subs.settle();
  const startMs = (await subs.store.readSubscription(id))?.billing.startMs ?? 0;
  const given: number[] = [];
  for (let month = 1; month <= 3; month += 1) {
    await subs.advanceTo(addMonths(startMs, month) + 2 * HOUR_MS);
    // No webhook tells of a month within a year: the look at what is due finds it.
    const found = await findDueSubscriptions({
      provider: subs.provider,
      store: subs.store,
      queue: { send: async (message) => void subs.billing.subscriptionQueue.push(message) },
      clock: () => subs.clock.nowMs,
    });
    expect(found).toMatchObject({ value: { due: expect.arrayContaining([id]) } });
    await subs.settle();
    await subs.billing.ledger.expire(tenantId, subs.clock.nowMs);
    given.push(await available(tenantId));
  }
  expect(given).toEqual([2_100, 2_100, 2_100]);
  const { items } = await subs.billing.dodo.sdk.payments.list({ subscription_id: id, page_number: 0 });
  expect(items.map(({ total_amount }) => total_amount)).toEqual([5_400_000]);
});

test('a subscription that no webhook told of is found by looking', async () => {
  const tenantId = await subs.billing.newTenant();
  await subs.billing.dodo.post('/_sim/faults', { webhooks: { hold: true } });
  const id = await subs.subscribe(tenantId);
  const look = () =>
    findDueSubscriptions({
      provider: subs.provider,
      store: subs.store,
      queue: { send: async (message) => void subs.billing.subscriptionQueue.push(message) },
      clock: () => subs.clock.nowMs,
    });
  expect(await look()).toMatchObject({ value: { due: expect.arrayContaining([id]) } });
  await subs.settle();
  expect(await available(tenantId)).toBe(700);
  const again = await look();
  expect(again.ok && again.value.due).not.toContain(id);
  subs.billing.subscriptionQueue.splice(0);
  await subs.billing.dodo.post('/_sim/faults', { webhooks: { hold: false } });
  await subs.settle();
  expect(await available(tenantId)).toBe(700);
});

test('a payment that fails keeps the plan for its grace, and what was bought comes back when it is paid', async () => {
  const tenantId = await subs.billing.newTenant();
  const id = await subs.subscribe(tenantId);
  await subs.settle();
  const endMs = (await subs.store.readSubscription(id))?.billing.endMs ?? 0;
  // Those of the tests before fall due too, and fail as well.
  await subs.billing.dodo.post('/_sim/charges', { outcomes: Array.from({ length: 50 }, () => 'failed') });
  await subs.advanceTo(endMs + 60_000);
  await subs.billing.dodo.post('/_sim/charges', { outcomes: [] });
  const overdue = await subs.store.readSubscription(id);
  expect(overdue).toMatchObject({ status: 'past_due' });
  expect(overdue?.pastDueEndsAtMs).toBeGreaterThan(endMs);
  await subs.advanceTo((overdue?.pastDueEndsAtMs ?? 0) + 60_000);
  expect(await subs.store.readSubscription(id)).toMatchObject({ status: 'on_hold', pastDueEndsAtMs: null });
  await subs.billing.ledger.expire(tenantId, subs.clock.nowMs);
  expect(await available(tenantId)).toBe(0);
  await subs.billing.dodo.post('/_sim/subscription', { subscription_id: id, status: 'active' });
  await subs.settle();
  await subs.billing.ledger.expire(tenantId, subs.clock.nowMs);
  expect(await available(tenantId)).toBe(700);
});

test('what is bought at Dodo and is none of our plans is left alone', async () => {
  const { dodo } = subs.billing;
  const response = await fetch(`${dodo.url}/buy/pdt_auto_refill`, { redirect: 'manual' });
  const location = response.headers.get('location');
  expect(location).not.toBeNull();
  const payment = await dodo.post(`${location}/pay`);
  const id = String(payment['subscription_id']);
  expect(id).toMatch(/^sub_/);
  await subs.settle();
  expect(await subs.store.readSubscription(id)).toBeUndefined();
});

test('a plan bought by a link, with another’s checkout in its metadata, gives nobody anything', async () => {
  const tenantId = await subs.billing.newTenant();
  await subs.subscribe(tenantId);
  const { dodo } = subs.billing;
  await subs.settle();
  const before = await available(tenantId);
  const bought = await dodo.sdk.subscriptions.retrieve((await subs.store.subscriptionOf(tenantId))?.id ?? '');
  const checkoutId = bought.metadata['subscription_checkout_id'];
  const link = `${dodo.url}/buy/pdt_enterprise_monthly?metadata_subscription_checkout_id=${checkoutId}`;
  const response = await fetch(link, { redirect: 'manual' });
  const payment = await dodo.post(`${response.headers.get('location')}/pay`);
  await subs.settle();
  expect(await available(tenantId)).toBe(before);
  expect(await subs.store.readSubscription(String(payment['subscription_id']))).toMatchObject({
    tenantId: null,
    review: ['customer_mismatch'],
    usage: null,
  });
});

test('who pays two checkouts that were open at once has both, and a person is told until one has ended', async () => {
  const tenantId = await subs.billing.newTenant();
  const checkout = async (planId: string) => {
    const opened = await openSubscription(
      {
        ...subs.deps.subscriptions,
        store: subs.store,
        provider: { ...subs.provider, createCustomer: subs.billing.provider.createCustomer },
        directory: subs.billing.directory,
        world: systemWorld,
      },
      { ...WANTED, tenantId, planId },
    );
    if (!opened.ok) throw new Error(opened.error.code);
    return opened.value.session.id;
  };
  const sessions = [await checkout('essentials'), await checkout('growth')];
  const ids: string[] = [];
  for (const session of sessions) {
    const payment = await subs.billing.dodo.post(`/checkout/${session}/pay`);
    ids.push(String(payment['subscription_id']));
  }
  await subs.settle();
  const look = async () => {
    for (const subscriptionId of ids) await applySubscription(subs.deps.subscriptions, { subscriptionId });
  };
  await look();
  const [first = '', second = ''] = ids;
  const reviews = async () =>
    Promise.all(ids.map(async (id) => (await subs.store.readSubscription(id))?.review));
  expect(await reviews()).toContainEqual(['second_subscription']);
  expect(await available(tenantId)).toBe(700 + 2_100);
  // The one that is ours last ends: the other one is the tenant's then.
  const ending = (await subs.store.subscriptionOf(tenantId))?.id ?? '';
  await subs.billing.dodo.post('/_sim/subscription', { subscription_id: ending, status: 'cancelled' });
  await subs.settle();
  await look();
  expect(await reviews()).toEqual([[], []]);
  expect((await subs.store.subscriptionOf(tenantId))?.id).toBe(ending === first ? second : first);
});
