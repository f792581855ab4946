import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROUTES, type Route } from '#api/routes.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { SCOPES } from '#core/tenants/types.ts';
import { ADMIN_KEY, type Agency, NOBODY, refusal, startAgency } from '#test/builders/agency.ts';

let agency: Agency;
beforeAll(async () => {
  agency = await startAgency();
});
afterAll(() => agency.stop());

const admin: Agency['admin'] = (...args) => agency.admin(...args);

describe('who may call', () => {
  test('health is everybody’s', async () => {
    expect(await agency.call('GET', '/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });
  });

  test('no key, a wrong scheme or a wrong admin key is 401', async () => {
    expect(await agency.call('GET', '/admin/tenants')).toMatchObject({ status: 401 });
    expect(await agency.call('GET', '/admin/tenants', { key: `${ADMIN_KEY}x` })).toMatchObject({
      status: 401,
    });
    const basic = { headers: { Authorization: `Basic ${ADMIN_KEY}` } };
    expect(await agency.call('GET', '/admin/tenants', basic)).toMatchObject({ status: 401 });
  });

  /** Every route behind the authorizer, of one tenant where it names one. */
  const guarded = (path: string) =>
    Object.values<Route>(ROUTES)
      .filter(({ function: name, auth }) => ['account', 'control'].includes(name) && auth.kind !== 'none')
      .map((route) => {
        const concrete = route.path.replace('/admin/tenants/{tenant}', path).replace(/\{\w+\+?\}/g, 'x');
        return { ...route, path: concrete };
      });

  test('every route refuses who sends no key', async () => {
    const { path } = await agency.newTenant();
    for (const route of guarded(path)) {
      expect(await agency.call(route.method, route.path), route.path).toMatchObject({ status: 401 });
    }
  });

  test('every admin route refuses a tenant’s key, every other route the admin key', async () => {
    const { apiKey, path } = await agency.newTenant();
    for (const route of guarded(path)) {
      const key = route.auth.kind === 'admin' ? apiKey : ADMIN_KEY;
      const answer = await agency.call(route.method, route.path, { key });
      expect(answer, route.path).toMatchObject(refusal(403, 'insufficient_scope'));
    }
  });

  test('every route of a tenant refuses a key that lacks its scope, and says which', async () => {
    const { path } = await agency.newTenant();
    for (const route of guarded(path)) {
      if (route.auth.kind !== 'key') continue;
      const { scope } = route.auth;
      const scopes = SCOPES.filter((other) => other !== scope);
      const { body } = await admin('POST', `${path}/keys`, { name: `all but ${scope}`, scopes });
      const answer = await agency.call(route.method, route.path, { key: body.api_key });
      expect(answer, route.path).toMatchObject(refusal(403, 'insufficient_scope'));
      expect(answer.body.error.message).toContain(`'${scope}'`);
    }
  });
});

describe('tenants', () => {
  test('a tenant is created with an empty account and found again', async () => {
    const created = await admin('POST', '/admin/tenants', { name: ' Contoso ', price_book: 'per-token' });
    expect(created).toMatchObject({
      status: 201,
      body: { object: 'tenant', name: 'Contoso', status: 'active', price_book: 'per-token' },
    });
    expect(await admin('GET', `/admin/tenants/${created.body.id}`)).toMatchObject({
      status: 200,
      body: { ...created.body, account: { available: '0', held: '0', debt: '0', status: 'active' } },
    });
  });

  test.each([
    [{}, 'name'],
    [{ name: '' }, 'name'],
    [{ name: 'two\nlines' }, 'name'],
    [{ name: 'x'.repeat(201) }, 'name'],
    [{ name: 5 }, 'name'],
    [{ name: 'x', price_book: 'nope' }, 'price_book'],
    [{ name: 'x', colour: 'red' }, 'colour'],
  ])('creating %j is refused at %s', async (body, param) => {
    expect(await admin('POST', '/admin/tenants', body)).toMatchObject(refusal(400, 'invalid_request', param));
  });

  test('the list comes in pages', async () => {
    await agency.newTenant();
    await agency.newTenant();
    const first = await admin('GET', '/admin/tenants', undefined, { query: { limit: '1' } });
    expect(first).toMatchObject({ status: 200, body: { object: 'list', has_more: true } });
    const query = { limit: '100', cursor: first.body.next_cursor };
    const rest = await admin('GET', '/admin/tenants', undefined, { query });
    expect(rest.body.data.map((tenant: { id: string }) => tenant.id)).not.toContain(first.body.data[0].id);
    for (const limit of ['0', '101', 'x', '1.5', '']) {
      const answer = await admin('GET', '/admin/tenants', undefined, { query: { limit } });
      expect(answer).toMatchObject(refusal(400, 'invalid_request', 'limit'));
    }
  });

  test('suspending stops the account, resuming opens it, and repeating either changes nothing', async () => {
    const { id, path } = await agency.newTenant();
    const account = async () => (await agency.deps.ledger.readAccount(id as TenantId))?.status;
    for (const status of ['suspended', 'suspended', 'active', 'active'] as const) {
      expect(await admin('PATCH', path, { status })).toMatchObject({ status: 200, body: { status } });
      expect(await account()).toBe(status);
    }
  });

  test('closing is final, stops the tenant’s keys, and may be repeated', async () => {
    const { path, apiKey } = await agency.newTenant();
    for (let i = 0; i < 2; i++) {
      expect(await admin('PATCH', path, { status: 'closed' })).toMatchObject({ status: 200 });
    }
    expect(await admin('PATCH', path, { status: 'active' })).toMatchObject(refusal(409, 'conflict'));
    expect(await admin('POST', `${path}/keys`, { name: 'late' })).toMatchObject(refusal(409, 'conflict'));
    expect(await agency.call('GET', '/models', { key: apiKey })).toMatchObject({ status: 401 });
  });

  test('a change half done, with the account suspended and the directory not, is mended by repeating it', async () => {
    const { id, path } = await agency.newTenant();
    await agency.deps.ledger.setStatus(id as TenantId, 'suspended');
    await admin('PATCH', path, { status: 'suspended' });
    expect((await admin('GET', path)).body).toMatchObject({
      status: 'suspended',
      account: { status: 'suspended' },
    });
  });

  test('a change of nothing, an unknown status and an unknown tenant are refused', async () => {
    const { path } = await agency.newTenant();
    expect(await admin('PATCH', path, {})).toMatchObject(refusal(400, 'invalid_request'));
    expect(await admin('PATCH', path, { status: 'gone' })).toMatchObject(
      refusal(400, 'invalid_request', 'status'),
    );
    for (const tenant of [NOBODY, '/admin/tenants/nonsense', '/admin/tenants/key_1']) {
      expect(await admin('GET', tenant)).toMatchObject(refusal(404, 'not_found'));
      expect(await admin('PATCH', tenant, { name: 'x' })).toMatchObject(refusal(404, 'not_found'));
    }
  });
});

describe('the audit log', () => {
  test('tells every act with its reason and actor, newest first', async () => {
    const { id, path, keyId } = await agency.newTenant();
    await admin('POST', `${path}/credits`, { amount: '3', reason: 'welcome' });
    await admin('POST', `${path}/models`, { alias: 'm', base_model: 'tunegate-nano', reason: 'first model' });
    await admin('DELETE', `${path}/models/m`);
    await admin('DELETE', `${path}/keys/${keyId}`, undefined, { query: { reason: 'leaked' } });
    const log = await admin('GET', '/admin/audit', undefined, { query: { tenant: id } });
    const acts = log.body.data.map((record: { action: string; reason: string }) => [
      record.action,
      record.reason,
    ]);
    expect(acts.toSorted()).toEqual(
      [
        ['key.revoke', 'leaked'],
        ['model.remove', 'no reason given'],
        ['model.create', 'first model'],
        ['credits.adjust', 'welcome'],
        ['key.create', 'no reason given'],
        ['tenant.create', 'no reason given'],
      ].toSorted(),
    );
    expect(new Set(log.body.data.map((record: { actor: string }) => record.actor)).size).toBe(1);
    expect(log.body.data[0].actor).toMatch(/^admin-[0-9a-f]{8}$/);
  });

  test('a wrong tenant id or page is refused', async () => {
    for (const query of [{ tenant: 'nonsense' }, { limit: '1000' }, { before: 'x' }]) {
      expect(await admin('GET', '/admin/audit', undefined, { query })).toMatchObject(
        refusal(400, 'invalid_request'),
      );
    }
  });
});

test('no log line holds a key', async () => {
  const { apiKey } = await agency.newTenant();
  await agency.call('GET', '/models', { key: apiKey });
  await agency.call('GET', '/models', { key: `${apiKey}x` });
  const lines = JSON.stringify(agency.log.lines);
  expect(lines).not.toContain(apiKey);
  expect(lines).not.toContain(ADMIN_KEY);
});
