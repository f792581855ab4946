import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Agency, NOBODY, refusal, startAgency } from '#test/builders/agency.ts';

let agency: Agency;
beforeAll(async () => {
  agency = await startAgency();
});
afterAll(() => agency.stop());

const PATH = '/credits/auto_refill';
const put = (key: string, body: unknown) => agency.call('PUT', PATH, { key, body });

test('nothing is bought by itself until the tenant asks for it', async () => {
  const { apiKey } = await agency.newTenant();
  expect(await agency.call('GET', PATH, { key: apiKey })).toMatchObject({
    status: 200,
    body: { object: 'auto_refill', enabled: false, status: 'off', refills_this_month: 0 },
  });
});

test('it is switched on with a page for the payment method, which is not asked for twice', async () => {
  const { apiKey, path } = await agency.newTenant();
  const wanted = { enabled: true, threshold: '12.5', pack_id: 'pack-200', monthly_limit: 3 };
  const on = await put(apiKey, { ...wanted, return_url: 'https://client.example/back' });
  expect(on).toMatchObject({ status: 200, body: { ...wanted, status: 'needs_payment_method' } });
  const session = new URL(String(on.body.setup_url)).pathname;
  await agency.dodo.post(`${session}/pay`);
  const again = await put(apiKey, { enabled: true });
  expect(again.body).toMatchObject({ ...wanted, status: 'active', setup_url: null });
  expect(await agency.admin('GET', `${path}/auto_refill`)).toMatchObject({
    status: 200,
    body: { ...wanted, status: 'active', ended: [] },
  });
  expect((await put(apiKey, { enabled: false })).body).toMatchObject({
    ...wanted,
    enabled: false,
    status: 'off',
  });
});

test('what cannot be meant is refused by name, and changes nothing', async () => {
  const { apiKey } = await agency.newTenant();
  const cases: readonly (readonly [unknown, string])[] = [
    [{}, 'enabled'],
    [{ enabled: 'yes' }, 'enabled'],
    [{ enabled: true, threshold: '0' }, 'threshold'],
    [{ enabled: true, threshold: -1 }, 'threshold'],
    [{ enabled: true, threshold: '1e3' }, 'threshold'],
    [{ enabled: true, pack_id: 'pack-9' }, 'pack_id'],
    [{ enabled: true, monthly_limit: 0 }, 'monthly_limit'],
    [{ enabled: true, monthly_limit: 101 }, 'monthly_limit'],
    [{ enabled: true, return_url: 'javascript:alert(1)' }, 'return_url'],
    [{ enabled: true, email: 'nobody' }, 'email'],
    [{ enabled: true, mandate: 'sub_1' }, 'mandate'],
  ];
  for (const [body, param] of cases) {
    expect([body, await put(apiKey, body)]).toMatchObject([body, refusal(400, 'invalid_request', param)]);
  }
  expect((await agency.call('GET', PATH, { key: apiKey })).body).toMatchObject({ status: 'off' });
});

test('without Dodo it is not switched on, and says so', async () => {
  const { apiKey } = await agency.newTenant();
  await agency.dodo.post('/_sim/faults', { api: [{ path: '/checkouts', kind: 500 }] });
  expect(await put(apiKey, { enabled: true })).toMatchObject(refusal(503, 'payment_provider_unavailable'));
  expect((await agency.call('GET', PATH, { key: apiKey })).body).toMatchObject({ status: 'off' });
});

test('a stranger, another scope and a tenant that is not there are refused', async () => {
  const { path } = await agency.newTenant();
  const key = await agency.admin('POST', `${path}/keys`, { name: 'chat only', scopes: ['chat'] });
  expect((await agency.call('GET', PATH)).status).toBe(401);
  expect(await put(String(key.body.api_key), { enabled: false })).toMatchObject(
    refusal(403, 'insufficient_scope'),
  );
  expect(await agency.admin('GET', `${NOBODY}/auto_refill`)).toMatchObject(refusal(404, 'not_found'));
});
