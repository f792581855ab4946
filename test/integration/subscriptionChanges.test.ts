import { afterAll, beforeAll, expect, test } from 'vitest';
import { refusal } from '#test/builders/agency.ts';
import { type SubscribedAgency, startSubscribedAgency } from '#test/builders/subscribedAgency.ts';

let agency: SubscribedAgency;
beforeAll(async () => {
  agency = await startSubscribedAgency();
});
afterAll(() => agency.stop());

test('a preview charges nothing and says what the change then charges', async () => {
  const tenant = await agency.subscribed();
  const change = { plan: 'growth' };
  const preview = await agency.as(tenant, 'POST', '/subscription/change', { ...change, preview: true });
  expect(preview).toMatchObject({
    status: 200,
    body: { effective: 'now', recurring: { minor_units: 500_000 } },
  });
  expect(await agency.charged(tenant.subscriptionId)).toHaveLength(1);
  const changed = await agency.as(tenant, 'POST', '/subscription/change', change);
  expect(changed.body).toMatchObject({ plan: 'growth', status: 'active' });
  const charged = (await agency.charged(tenant.subscriptionId))[1] ?? 0;
  expect(Math.abs(charged - preview.body.charge.minor_units)).toBeLessThanOrEqual(1);
  // Three thousand more for a whole month, of which moments have passed.
  expect(charged).toBeGreaterThan(299_900);
  expect(charged).toBeLessThanOrEqual(300_000);
});

test('a repeat of a change that is made charges nothing more', async () => {
  const tenant = await agency.subscribed();
  await agency.as(tenant, 'POST', '/subscription/change', { plan: 'growth' });
  await agency.as(tenant, 'POST', '/subscription/change', { plan: 'growth' });
  expect(await agency.charged(tenant.subscriptionId)).toHaveLength(2);
});

test('a change whose answer is lost is made once', async () => {
  const tenant = await agency.subscribed();
  await agency.faults([{ method: 'POST', path: '/subscriptions/', kind: 'drop', times: 1 }]);
  expect(await agency.as(tenant, 'POST', '/subscription/change', { plan: 'growth' })).toMatchObject({
    status: 200,
    body: { plan: 'growth' },
  });
  expect(await agency.charged(tenant.subscriptionId)).toHaveLength(2);
});

test.each([500, 409])('after a %i nobody asks again until it can be seen what became of it', async (kind) => {
  const tenant = await agency.subscribed();
  await agency.faults([{ method: 'POST', path: '/subscriptions/', kind, times: 1 }]);
  const change = () => agency.as(tenant, 'POST', '/subscription/change', { plan: 'growth' });
  expect(await change()).toMatchObject(refusal(503, 'payment_provider_unavailable'));
  expect(await change()).toMatchObject(refusal(409, 'conflict'));
  agency.clock.nowMs += 121_000;
  expect(await change()).toMatchObject({ status: 200, body: { plan: 'growth' } });
  expect(await agency.charged(tenant.subscriptionId)).toHaveLength(2);
});

test('of several at once one is made, and it charges once', async () => {
  const tenant = await agency.subscribed();
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => agency.as(tenant, 'POST', '/subscription/change', { plan: 'growth' })),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 409]));
  expect(await agency.charged(tenant.subscriptionId)).toHaveLength(2);
});

test('a payment that fails leaves the plan and its usage as they are', async () => {
  const tenant = await agency.subscribed();
  await agency.dodo.post('/_sim/charges', { outcomes: ['failed'] });
  expect(await agency.as(tenant, 'POST', '/subscription/change', { plan: 'enterprise' })).toMatchObject(
    refusal(409, 'conflict'),
  );
  expect((await agency.as(tenant, 'GET', '/subscription')).body).toMatchObject({
    plan: 'essentials',
    usage: { included_credits: '200' },
  });
});

test('a cheaper plan waits for the next payment', async () => {
  const tenant = await agency.subscribed('growth');
  const changed = await agency.as(tenant, 'POST', '/subscription/change', { plan: 'essentials' });
  expect(changed.body).toMatchObject({
    plan: 'growth',
    scheduled_change: { plan: 'essentials', interval: 'monthly' },
    next_invoice: { total: { minor_units: 200_000 } },
  });
  expect(await agency.charged(tenant.subscriptionId)).toHaveLength(1);
  // The mind may be changed.
  await agency.as(tenant, 'POST', '/subscription/change', { plan: 'enterprise', effective: 'next_period' });
  expect((await agency.as(tenant, 'GET', '/subscription')).body).toMatchObject({
    scheduled_change: { plan: 'enterprise' },
  });
});

test('who has none, or one on hold, cannot change it', async () => {
  const none = await agency.newTenant();
  expect(await agency.as(none, 'POST', '/subscription/change', { plan: 'growth' })).toMatchObject(
    refusal(404, 'not_found'),
  );
  const tenant = await agency.subscribed();
  await agency.dodo.post('/_sim/subscription', {
    subscription_id: tenant.subscriptionId,
    status: 'on_hold',
  });
  await agency.apply(tenant.subscriptionId);
  expect(await agency.as(tenant, 'POST', '/subscription/change', { plan: 'growth' })).toMatchObject(
    refusal(409, 'conflict'),
  );
  expect((await agency.as(tenant, 'GET', '/credits')).body).toMatchObject({ available: '0' });
});
