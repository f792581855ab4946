import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NOBODY, refusal } from '#test/builders/agency.ts';
import { type SubscribedAgency, startSubscribedAgency } from '#test/builders/subscribedAgency.ts';

let agency: SubscribedAgency;
beforeAll(async () => {
  agency = await startSubscribedAgency();
});
afterAll(() => agency.stop());

test('plans are shown with everything that they promise, to clients and to the agency', async () => {
  const tenant = await agency.newTenant();
  const shown = await agency.as(tenant, 'GET', '/subscription/plans');
  expect(shown.status).toBe(200);
  expect(shown.body.data.map(({ id }: { readonly id: string }) => id)).toEqual([
    'essentials',
    'growth',
    'enterprise',
  ]);
  expect(shown.body.data[1]).toMatchObject({
    prices: { monthly: { minor_units: 500_000 }, annual: { minor_units: 5_400_000 } },
    setup_fee: { minor_units: 800_000 },
    overage: { price_per_credit: { minor_units: '95', currency: 'USD' }, limit_credits: '1500' },
    sla: { uptime_percent: '99.5' },
    isolation: 'dedicated',
    retraining: 'monthly',
    support: { clock: '4_hours', account_manager: false },
  });
  expect((await agency.admin('GET', '/admin/plans')).body).toEqual(shown.body);
});

describe('opening', () => {
  test('a checkout has the plan and its setup fee, and paying it begins the month', async () => {
    const tenant = await agency.newTenant();
    expect((await agency.as(tenant, 'GET', '/subscription')).body).toEqual({
      object: 'subscription',
      status: 'none',
      plan: null,
    });
    const opened = await agency.as(tenant, 'POST', '/subscription/checkout', {
      plan: 'growth',
      add_ons: [{ id: 'model', quantity: 2 }],
    });
    expect(opened).toMatchObject({
      status: 201,
      body: { plan: 'growth', interval: 'monthly', setup_fee: true },
    });
    const subscriptionId = await agency.pay(opened);
    expect(await agency.charged(subscriptionId)).toEqual([500_000 + 800_000 + 2 * 150_000]);
    expect((await agency.as(tenant, 'GET', '/subscription')).body).toMatchObject({
      id: subscriptionId,
      status: 'active',
      plan: 'growth',
      add_ons: [{ id: 'model', quantity: 2 }],
      usage: { included_credits: '600', included_left: '600', overage_used: '0', overage_limit: '1500' },
      next_invoice: { total: { minor_units: 800_000, currency: 'USD' } },
    });
    expect((await agency.as(tenant, 'GET', '/credits')).body).toMatchObject({
      available: '2100',
      overage_available: '1500',
    });
    expect((await agency.admin('GET', `${tenant.path}/subscription`)).body).toMatchObject({
      id: subscriptionId,
    });
  });

  test('the agency opens one without the setup fee', async () => {
    const tenant = await agency.newTenant();
    const path = `${tenant.path}/subscription/checkout`;
    const opened = await agency.admin('POST', path, {
      plan: 'essentials',
      interval: 'annual',
      setup_fee: false,
    });
    const subscriptionId = await agency.pay(opened);
    expect(await agency.charged(subscriptionId)).toEqual([2_160_000]);
    // A client cannot waive it.
    const other = await agency.newTenant();
    expect(
      await agency.as(other, 'POST', '/subscription/checkout', { plan: 'essentials', setup_fee: false }),
    ).toMatchObject(refusal(400, 'invalid_request', 'setup_fee'));
  });

  test('a repeat with the same key answers the same checkout, and no other', async () => {
    const tenant = await agency.newTenant();
    const key = { 'idempotency-key': 'once' };
    const open = (plan: string) => agency.as(tenant, 'POST', '/subscription/checkout', { plan }, key);
    await agency.faults([{ path: '/checkouts', kind: 'drop', times: 1 }]);
    expect(await open('growth')).toMatchObject(refusal(503, 'payment_provider_unavailable'));
    const [first, second] = [await open('growth'), await open('growth')];
    expect(second.body).toEqual(first.body);
    expect(await open('essentials')).toMatchObject(refusal(400, 'idempotency_key_reused'));
  });

  test('nobody has two', async () => {
    const tenant = await agency.subscribed();
    expect(await agency.as(tenant, 'POST', '/subscription/checkout', { plan: 'growth' })).toMatchObject(
      refusal(409, 'conflict'),
    );
  });

  test.each([
    [{}, 'plan'],
    [{ plan: 'gold' }, 'plan'],
    [{ plan: 'growth', interval: 'weekly' }, 'interval'],
    [{ plan: 'growth', add_ons: [{ id: 'model', quantity: -1 }] }, 'add_ons[0].quantity'],
    [{ plan: 'growth', add_ons: [{ id: 'robot', quantity: 1 }] }, 'add_ons'],
    [{ plan: 'growth', return_url: 'javascript:alert(1)' }, 'return_url'],
    [{ plan: 'growth', price: 1 }, 'price'],
  ])('%j is refused with the place', async (body, param) => {
    const tenant = await agency.newTenant();
    expect(await agency.as(tenant, 'POST', '/subscription/checkout', body)).toMatchObject(
      refusal(400, 'invalid_request', param),
    );
  });
});

test('cancelling ends it with what is paid, and can be taken back until then', async () => {
  const tenant = await agency.subscribed();
  const cancel = (body = {}) => agency.as(tenant, 'POST', '/subscription/cancel', body);
  expect(await cancel()).toMatchObject({
    status: 200,
    body: { status: 'active', cancel_at_period_end: true, next_invoice: null },
  });
  expect(await cancel()).toMatchObject({ body: { cancel_at_period_end: true } });
  expect(await cancel({ undo: true })).toMatchObject({ body: { cancel_at_period_end: false } });
  expect(await agency.admin('POST', `${tenant.path}/subscription/cancel`, {})).toMatchObject({
    body: { cancel_at_period_end: true },
  });
});

describe('who may', () => {
  test.each([
    ['GET', '/subscription'],
    ['GET', '/subscription/plans'],
    ['POST', '/subscription/checkout'],
    ['POST', '/subscription/change'],
    ['POST', '/subscription/cancel'],
  ])('%s %s needs a key with the scope credits', async (method, path) => {
    const tenant = await agency.newTenant();
    const made = await agency.admin('POST', `${tenant.path}/keys`, { name: 'chat only', scopes: ['chat'] });
    expect((await agency.call(method, path)).status).toBe(401);
    expect(await agency.call(method, path, { key: made.body.api_key, body: {} })).toMatchObject(
      refusal(403, 'insufficient_scope'),
    );
    expect(await agency.admin(method, path, {})).toMatchObject(refusal(403, 'insufficient_scope'));
  });

  test.each([
    ['GET', `${NOBODY}/subscription`],
    ['POST', `${NOBODY}/subscription/checkout`],
    ['POST', `${NOBODY}/subscription/change`],
    ['POST', `${NOBODY}/subscription/cancel`],
  ])('%s %s is the agency’s, and 404 for a tenant that is not there', async (method, path) => {
    const tenant = await agency.newTenant();
    expect(await agency.admin(method, path, { plan: 'growth' })).toMatchObject(refusal(404, 'not_found'));
    expect(await agency.as(tenant, method, path, {})).toMatchObject(refusal(403, 'insufficient_scope'));
  });

  test('late usage is the agency’s to see and to settle', async () => {
    const tenant = await agency.newTenant();
    expect((await agency.admin('GET', '/admin/late-usage')).body).toMatchObject({ object: 'list', data: [] });
    expect(await agency.as(tenant, 'GET', '/admin/late-usage')).toMatchObject(
      refusal(403, 'insufficient_scope'),
    );
    const path = '/admin/late-usage/use_01k00000000000000000000000';
    expect(await agency.admin('POST', path, { status: 'billed', reason: 'by hand' })).toMatchObject(
      refusal(404, 'not_found'),
    );
    expect(await agency.admin('POST', path, { status: 'gone', reason: 'x' })).toMatchObject(
      refusal(400, 'invalid_request', 'status'),
    );
  });
});

describe('an agency that', () => {
  const onHold = async () => {
    const tenant = await agency.subscribed();
    const { subscriptionId: subscription_id } = tenant;
    await agency.dodo.post('/_sim/subscription', { subscription_id, status: 'on_hold' });
    await agency.apply(subscription_id);
    return tenant;
  };

  test('resumes who has not paid says until when, and the tenant shows it', async () => {
    const tenant = await onHold();
    const path = `/admin/tenants/${tenant.id}`;
    const until = Math.floor(agency.clock.nowMs / 1000) + 3_600;
    expect(await agency.admin('PATCH', path, { status: 'active' })).toMatchObject({
      status: 200,
      body: { status: 'active', reprieve: { until: null } },
    });
    expect(await agency.admin('PATCH', path, { status: 'active', resume_until: until })).toMatchObject({
      body: { reprieve: { until } },
    });
    expect((await agency.admin('PATCH', path, { status: 'suspended' })).body).toMatchObject({
      suspended_because: 'agency',
      reprieve: null,
    });
    for (const wrong of [{ resume_until: until }, { status: 'active', resume_until: 1 }]) {
      expect(await agency.admin('PATCH', path, wrong)).toMatchObject({
        status: 400,
        body: { error: { param: 'resume_until' } },
      });
    }
  });

  test('resumes who owes nothing lets nobody off', async () => {
    const tenant = await agency.subscribed();
    const { body } = await agency.admin('PATCH', `/admin/tenants/${tenant.id}`, { status: 'active' });
    expect(body).toMatchObject({ reprieve: null });
  });

  test('closes a tenant ends its subscription, so that nothing more is charged', async () => {
    const tenant = await agency.subscribed();
    const path = `/admin/tenants/${tenant.id}`;
    await agency.faults([{ method: 'PATCH', path: '/subscriptions/', kind: 500, times: 1 }]);
    expect(await agency.admin('PATCH', path, { status: 'closed' })).toMatchObject(
      refusal(503, 'payment_provider_unavailable'),
    );
    expect((await agency.admin('GET', path)).body).toMatchObject({ status: 'active' });
    // This time the answer alone is lost.
    await agency.faults([{ method: 'PATCH', path: '/subscriptions/', kind: 'drop', times: 1 }]);
    expect(await agency.admin('PATCH', path, { status: 'closed' })).toMatchObject({ status: 200 });
    await agency.pass(40 * 86_400_000);
    expect(await agency.charged(tenant.subscriptionId)).toHaveLength(1);
    await agency.apply(tenant.subscriptionId);
    expect(await agency.admin('PATCH', path, { status: 'closed' })).toMatchObject({ status: 200 });
    await agency.pass(0, Date.now());
  });
});
