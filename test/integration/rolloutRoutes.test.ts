import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Adapter } from '#core/adapters/types.ts';
import type { AdapterId, TenantId } from '#core/shared/ids.ts';
import type { SubscriptionRecord } from '#core/subscriptions/types.ts';
import { makeAdapterStore } from '#io/dynamodb/adapterStore.ts';
import { type Agency, NOBODY, refusal, startAgency } from '#test/builders/agency.ts';
import { aDeployedAdapter } from '#test/builders/registeredAdapter.ts';

let agency: Agency;
let tenantId: string;
let models: string;
let rollout: string;
beforeAll(async () => {
  agency = await startAgency();
});
afterAll(() => agency.stop());
beforeEach(async () => {
  const tenant = await agency.newTenant();
  tenantId = tenant.id;
  await agency.deployed(tenant.id, 'adp_one', 'adp_two', 'adp_three');
  models = `${tenant.path}/models`;
  rollout = `${models}/acme%2Fsupport/rollout`;
  await agency.admin('POST', models, {
    alias: 'acme/support',
    base_model: 'tunegate-nano',
    adapter_id: 'adp_one',
  });
});

const aSubscription = (over: Partial<SubscriptionRecord>): SubscriptionRecord => ({
  id: `sub_${tenantId}`,
  version: 1,
  tenantId: null,
  customerId: 'cus_1',
  planId: null,
  interval: 'monthly',
  addOns: [],
  status: 'active',
  billing: { startMs: 0, endMs: 1 },
  cancelAtPeriodEnd: false,
  scheduledChange: null,
  pastDueEndsAtMs: null,
  usage: null,
  paidBack: null,
  recurring: null,
  pauses: 0,
  isFrozen: false,
  review: [],
  steps: [],
  change: null,
  createdAtMs: 0,
  updatedAtMs: 0,
  ...over,
});
const post = (act: string, body: unknown = {}) => agency.admin('POST', `${rollout}/${act}`, body);
const show = () => agency.admin('GET', rollout);

test('a version comes in by canary, is promoted and taken back, and the history says who did what, and why', async () => {
  await post('canary', { adapter_id: 'adp_two', percent: 10, reason: 'first tenth' });
  await post('canary', { percent: 50 });
  await post('promote', { reason: 'good' });
  const back = await post('rollback', { reason: 'not so good' });
  expect(back).toMatchObject({
    status: 200,
    body: { revision: 4, stable: { adapter_id: 'adp_one' }, canary: null, former: [] },
  });
  const { body } = await show();
  expect(body).toMatchObject({ id: 'acme/support', object: 'rollout', revision: 4 });
  const version = (adapter_id: string) => ({ adapter_id });
  expect(body.history.data).toMatchObject([
    { revision: 4, action: 'rollback', reason: 'not so good', stable: version('adp_one'), canary: null },
    { revision: 3, action: 'promote', reason: 'good', stable: version('adp_two'), canary: null },
    { revision: 2, action: 'canary', reason: 'no reason given', canary: { percent: 50 } },
    {
      revision: 1,
      action: 'canary',
      stable: version('adp_one'),
      canary: { ...version('adp_two'), percent: 10 },
    },
  ]);
  for (const { actor } of body.history.data) expect(actor).toMatch(/^admin-/);
  const audit = await agency.admin('GET', '/admin/audit', undefined, { query: { limit: '4' } });
  expect(audit.body.data.map(({ action }: { action: string }) => action)).toEqual([
    'rollout.rollback',
    'rollout.promote',
    'rollout.canary',
    'rollout.canary',
  ]);
});

test('the history comes in pages', async () => {
  for (const percent of [1, 2, 3]) await post('canary', { adapter_id: 'adp_two', percent });
  const first = await agency.admin('GET', rollout, undefined, { query: { limit: '2' } });
  expect(first.body.history).toMatchObject({ has_more: true, data: [{ revision: 3 }, { revision: 2 }] });
  const second = await agency.admin('GET', rollout, undefined, {
    query: { limit: '2', cursor: first.body.history.next_cursor },
  });
  expect(second.body.history).toMatchObject({ has_more: false, data: [{ revision: 1 }] });
});

test('of changes at once one is made, and the others are told of it', async () => {
  const answers = await Promise.all(
    [1, 2, 3, 4, 5].map((percent) => post('canary', { adapter_id: 'adp_two', percent, revision: 0 })),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409]);
  const refused = answers.find(({ status }) => status === 409);
  expect(refused?.body.error).toMatchObject({ code: 'conflict', param: 'revision' });
  expect((await show()).body).toMatchObject({ revision: 1, history: { data: [{ revision: 1 }] } });
});

test('a change made for another revision is refused', async () => {
  await post('canary', { adapter_id: 'adp_two', percent: 5 });
  expect(await post('promote', { revision: 0 })).toMatchObject(refusal(409, 'conflict', 'revision'));
  expect(await post('promote', { revision: 1 })).toMatchObject({ status: 200, body: { revision: 2 } });
});

test('the same change again is answered alike and written once', async () => {
  const first = await post('promote', { adapter_id: 'adp_two' });
  expect(await post('promote', { adapter_id: 'adp_two' })).toMatchObject({ status: 200, body: first.body });
  expect((await show()).body.history.data).toHaveLength(1);
});

test('a model that is made anew begins a new history', async () => {
  await post('promote', { adapter_id: 'adp_two' });
  await agency.admin('DELETE', `${models}/acme%2Fsupport`);
  agency.clock.nowMs += 1_000;
  const body = { alias: 'acme/support', base_model: 'tunegate-nano', adapter_id: 'adp_three' };
  await agency.admin('POST', models, body);
  expect((await show()).body).toMatchObject({ revision: 0, history: { data: [] } });
  expect(await post('promote', { adapter_id: 'adp_two' })).toMatchObject({
    status: 200,
    body: { revision: 1, former: [{ adapter_id: 'adp_three' }] },
  });
});

test('an engine of its own is named, shown, and kept for the next version', async () => {
  const engine = {
    kind: 'openai',
    url: 'https://gpu.example.com/v1/',
    model: 'acme-v2',
    secret: 'gpu-one',
    timeout_seconds: 20,
  };
  const moved = await post('promote', { adapter_id: 'adp_two', engine });
  expect(moved.body.stable.engine).toEqual({ ...engine, url: 'https://gpu.example.com/v1' });
  const next = await post('canary', { adapter_id: 'adp_three', percent: 5 });
  expect(next.body.canary.engine).toEqual({
    kind: 'openai',
    url: 'https://gpu.example.com/v1',
    secret: 'gpu-one',
    timeout_seconds: 20,
  });
  const shared = await post('promote', { adapter_id: 'adp_two', engine: null });
  expect(shared.body.stable.engine).toBeNull();
});

test('an endpoint of its own is for tenants whose plan has one, or who have no plan', async () => {
  const engine = { kind: 'sagemaker', endpoint: 'acme' };
  const { store } = agency.deps.subscriptions;
  const subscription = aSubscription({ tenantId: tenantId as TenantId, planId: 'essentials' });
  await store.saveSubscription(subscription);
  const adapters = makeAdapterStore(agency.database.client, `${agency.database.prefix}directory`);
  await adapters.create(aDeployedAdapter(tenantId, 'adp_own', { endpoint: 'acme' }), {});
  const own = { adapter_id: 'adp_own', engine };
  const refused = refusal(409, 'conflict', 'engine.endpoint');
  expect(await post('promote', own)).toMatchObject(refused);
  expect(await post('canary', { ...own, percent: 5 })).toMatchObject(refused);
  const another = { ...own, alias: 'another', base_model: 'tunegate-nano' };
  expect(await agency.admin('POST', models, another)).toMatchObject(refused);
  const tenant = models.replace('/models', '');
  expect(await agency.admin('PATCH', tenant, { endpoint: 'acme' })).toMatchObject(
    refusal(409, 'conflict', 'endpoint'),
  );

  await store.saveSubscription({ ...subscription, version: 2, planId: 'growth' });
  expect(await agency.admin('PATCH', tenant, { endpoint: 'acme' })).toMatchObject({
    status: 200,
    body: { endpoint: 'acme' },
  });
  expect(await agency.admin('POST', models, another)).toMatchObject({ status: 201, body: { engine } });
  expect(await post('rollback')).toMatchObject({ status: 409 });
  const promoted = await post('promote', { adapter_id: 'adp_own' });
  expect(promoted).toMatchObject({ status: 200, body: { stable: { adapter_id: 'adp_own', engine } } });
  expect(await post('rollback')).toMatchObject({ status: 200, body: { stable: { engine: null } } });
  expect(await post('promote', { adapter_id: 'adp_two', engine })).toMatchObject(
    refusal(409, 'conflict', 'engine'),
  );
  expect(await agency.admin('PATCH', tenant, { endpoint: null })).toMatchObject({ body: { endpoint: null } });
});

test('a version that is not deployed any more is not gone back to', async () => {
  const { database } = agency;
  const adapters = makeAdapterStore(database.client, `${database.prefix}directory`);
  await post('promote', { adapter_id: 'adp_two' });
  const becomes = async (status: Adapter['status']) => {
    const one = await adapters.read(tenantId as TenantId, 'adp_one' as AdapterId);
    if (one === undefined) throw new Error('the first adapter is gone');
    await adapters.change(one, { ...one, status, version: one.version + 1 });
  };
  await becomes('registered');
  expect(await post('rollback')).toMatchObject(refusal(409, 'conflict', 'adapter_id'));
  expect((await show()).body.stable.adapter_id).toBe('adp_two');
  // Nobody is told to do what is refused then: a retired adapter cannot be deployed.
  await becomes('retired');
  const { error } = (await post('rollback')).body;
  expect(error.message).toContain('Register its archive again');
  expect(error.message).not.toContain('Deploy it first');
  await becomes('deployed');
  expect(await post('rollback')).toMatchObject({ status: 200, body: { stable: { adapter_id: 'adp_one' } } });
});

describe('refused, with nothing changed', () => {
  test.each<[string, string, unknown, number, string, string?]>([
    [
      'a share of 101 percent',
      'canary',
      { adapter_id: 'adp_two', percent: 101 },
      400,
      'invalid_request',
      'percent',
    ],
    ['half a percent', 'canary', { adapter_id: 'adp_two', percent: 0.5 }, 400, 'invalid_request', 'percent'],
    ['no percent', 'shadow', { adapter_id: 'adp_two' }, 400, 'invalid_request', 'percent'],
    ['an adapter that is none', 'promote', { adapter_id: 'two' }, 400, 'invalid_request', 'adapter_id'],
    ['an unknown field', 'promote', { adapter: 'adp_two' }, 400, 'invalid_request', 'adapter'],
    ['another tenant’s adapter', 'promote', { adapter_id: 'adp_theirs' }, 404, 'not_found', 'adapter_id'],
    ['an unknown base', 'promote', { base_model: 'gpt-4o' }, 400, 'invalid_request', 'base_model'],
    [
      'an inner engine',
      'promote',
      { engine: { kind: 'openai', url: 'https://10.0.0.1/v1' } },
      400,
      'invalid_request',
      'engine.url',
    ],
    ['no version', 'promote', {}, 400, 'invalid_request', 'adapter_id'],
    [
      'a canary of what answers',
      'canary',
      { adapter_id: 'adp_one', percent: 5 },
      409,
      'conflict',
      'adapter_id',
    ],
    ['a rollback of nothing', 'rollback', {}, 409, 'conflict'],
    [
      'a rollback with a version',
      'rollback',
      { adapter_id: 'adp_two' },
      400,
      'invalid_request',
      'adapter_id',
    ],
  ])('%s', async (_, act, body, status, code, param) => {
    expect(await post(act, body)).toMatchObject(refusal(status, code, param));
    expect((await show()).body).toMatchObject({ revision: 0, stable: { adapter_id: 'adp_one' } });
  });

  test('a model or tenant that is not there, and a client’s key', async () => {
    const missing = refusal(404, 'model_not_found');
    expect(
      await agency.admin('POST', `${models}/other/rollout/promote`, { adapter_id: 'adp_two' }),
    ).toMatchObject(missing);
    expect(await agency.admin('GET', `${NOBODY}/models/acme%2Fsupport/rollout`)).toMatchObject(missing);
    expect(await agency.admin('GET', '/admin/tenants/x/models/a/rollout')).toMatchObject(missing);
    const { apiKey } = await agency.newTenant('Other');
    const answer = await agency.call('POST', `${rollout}/rollback`, { key: apiKey, body: {} });
    expect(answer.status).toBe(403);
  });
});
