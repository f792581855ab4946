import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { refusal } from '#test/builders/agency.ts';
import { type SubscribedAgency, startSubscribedAgency } from '#test/builders/subscribedAgency.ts';

let agency: SubscribedAgency;
beforeAll(async () => {
  agency = await startSubscribedAgency();
});
afterAll(() => agency.stop());
beforeEach(() => agency.pass(0, Date.now()));

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

test('asking for what there is takes back the change that waits', async () => {
  const tenant = await agency.subscribed('growth');
  await agency.as(tenant, 'POST', '/subscription/change', { plan: 'essentials' });
  const stayed = await agency.as(tenant, 'POST', '/subscription/change', { plan: 'growth' });
  expect(stayed.body).toMatchObject({
    plan: 'growth',
    scheduled_change: null,
    next_invoice: { total: { minor_units: 500_000 } },
  });
  expect(await agency.charged(tenant.subscriptionId)).toHaveLength(1);
});

test('fewer add-ons are cheaper and wait, and other add-ons are another change', async () => {
  const tenant = await agency.subscribed();
  const models = (quantity: number, more: object = {}) =>
    agency.as(tenant, 'POST', '/subscription/change', {
      plan: 'essentials',
      add_ons: [{ id: 'model', quantity }],
      ...more,
    });
  expect((await models(3)).body).toMatchObject({ add_ons: [{ id: 'model', quantity: 3 }] });
  expect((await models(2)).body).toMatchObject({
    add_ons: [{ id: 'model', quantity: 3 }],
    next_invoice: { total: { minor_units: 500_000 } },
  });
  expect((await models(1)).body).toMatchObject({
    add_ons: [{ id: 'model', quantity: 3 }],
    next_invoice: { total: { minor_units: 350_000 } },
  });
  expect(await agency.charged(tenant.subscriptionId)).toHaveLength(2);
});

test('nobody gets money back for a month whose usage is used up, unless the agency says so', async () => {
  const tenant = await agency.subscribed('growth');
  const cheaper = { plan: 'essentials', effective: 'now' };
  expect(await agency.as(tenant, 'POST', '/subscription/change', cheaper)).toMatchObject({
    status: 400,
    body: { error: { param: 'effective' } },
  });
  const year = await agency.subscribed();
  await agency.as(year, 'POST', '/subscription/change', { plan: 'essentials', interval: 'annual' });
  const back = await agency.as(year, 'POST', '/subscription/change', {
    plan: 'essentials',
    interval: 'monthly',
  });
  expect(back.body).toMatchObject({ interval: 'annual', scheduled_change: { interval: 'monthly' } });
  const path = `/admin/tenants/${tenant.id}/subscription/change`;
  expect(await agency.admin('POST', path, cheaper)).toMatchObject({
    status: 200,
    body: { plan: 'essentials' },
  });
});

test('a period that begins anew in the middle of a month does not give the month a second time', async () => {
  const tenant = await agency.subscribed();
  const path = `/admin/tenants/${tenant.id}/subscription/change`;
  for (const interval of ['annual', 'monthly', 'annual', 'monthly']) {
    // A period is told from another by the second in which it began.
    await agency.pass(3_600_000);
    const changed = await agency.admin('POST', path, { plan: 'essentials', interval, effective: 'now' });
    expect(changed).toMatchObject({ status: 200, body: { interval } });
  }
  const { body } = await agency.as(tenant, 'GET', '/credits');
  // 200 included and 500 on account, and the share of each hour that has passed.
  expect(Number(body.available)).toBeGreaterThanOrEqual(700);
  expect(Number(body.available)).toBeLessThan(700 * (1 + 5 / 672));
});

test('after a change in the middle of a month nothing is said to be used that was not', async () => {
  const tenant = await agency.subscribed();
  await agency.pass(10 * 86_400_000);
  const { body } = await agency.as(tenant, 'POST', '/subscription/change', { plan: 'enterprise' });
  expect(body).toMatchObject({
    plan: 'enterprise',
    usage: { overage_used: '0' },
    next_invoice: { total: { minor_units: 1_000_000 } },
  });
  expect(body.usage.included_left).toBe(body.usage.included_credits);
  await agency.dodo.post('/_sim/subscription', { subscription_id: tenant.subscriptionId, status: 'paused' });
  await agency.apply(tenant.subscriptionId);
  expect((await agency.as(tenant, 'GET', '/subscription')).body).toMatchObject({
    usage: { overage_used: '0', included_left: '0' },
  });
});
