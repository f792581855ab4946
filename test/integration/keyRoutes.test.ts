import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KeyId, TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { systemWorld } from '#io/world.ts';
import { ADMIN_KEY, type Agency, NOBODY, refusal, startAgency } from '#test/builders/agency.ts';

let agency: Agency;
beforeAll(async () => {
  agency = await startAgency();
});
afterAll(() => agency.stop());

const admin: Agency['admin'] = (...args) => agency.admin(...args);

describe('keys', () => {
  test('a key is shown once, works, and is listed without its text', async () => {
    const { path } = await agency.newTenant();
    const created = await admin('POST', `${path}/keys`, { name: 'app', scopes: ['models', 'chat', 'chat'] });
    expect(created).toMatchObject({ status: 201, body: { state: 'active', scopes: ['models', 'chat'] } });
    expect(await agency.call('GET', '/models', { key: created.body.api_key })).toMatchObject({ status: 200 });
    const list = await admin('GET', `${path}/keys`);
    expect(list.body.data).toContainEqual(expect.objectContaining({ id: created.body.id, name: 'app' }));
    expect(JSON.stringify(list.body)).not.toContain(created.body.api_key);
  });

  test('the list of keys comes in pages', async () => {
    const { path, keyId } = await agency.newTenant();
    const { body } = await admin('POST', `${path}/keys`, { name: 'second' });
    const first = await admin('GET', `${path}/keys`, undefined, { query: { limit: '1' } });
    expect(first.body).toMatchObject({ data: [{ id: keyId }], has_more: true });
    const query = { limit: '1', cursor: first.body.next_cursor };
    const rest = await admin('GET', `${path}/keys`, undefined, { query });
    expect(rest.body).toMatchObject({ data: [{ id: body.id }], has_more: false });
  });

  test.each([
    [{}, 'name'],
    [{ name: 'x', scopes: [] }, 'scopes'],
    [{ name: 'x', scopes: ['root'] }, 'scopes[0]'],
    [{ name: 'x', expires_at: 1 }, 'expires_at'],
    [{ name: 'x', expires_at: 1e300 }, 'expires_at'],
    [{ name: 'x', expires_at: '2030' }, 'expires_at'],
  ])('creating %j is refused at %s', async (body, param) => {
    const { path } = await agency.newTenant();
    expect(await admin('POST', `${path}/keys`, body)).toMatchObject(refusal(400, 'invalid_request', param));
  });

  test('malformed and forged keys are refused with no read of the database', async () => {
    const { apiKey } = await agency.newTenant();
    const last = apiKey.at(-1) === 'A' ? 'B' : 'A';
    agency.reads.count = 0;
    for (const key of [
      'nonsense',
      'tg_',
      'sk-123',
      apiKey.slice(0, -1) + last,
      `${apiKey}x`,
      apiKey.toUpperCase(),
    ]) {
      expect(await agency.call('GET', '/models', { key })).toMatchObject({ status: 401 });
    }
    expect(agency.reads.count).toBe(0);
    expect(await agency.call('GET', '/models', { key: apiKey })).toMatchObject({ status: 200 });
    expect(agency.reads.count).toBeGreaterThan(0);
  });

  test('a rotated key works through its grace period and not after it', async () => {
    const { path, keyId, apiKey } = await agency.newTenant();
    const rotated = await admin('POST', `${path}/keys/${keyId}/rotate`, { grace_seconds: 3_600 });
    expect(rotated).toMatchObject({
      status: 201,
      body: { name: 'production', state: 'active', replaces: { id: keyId, state: 'expiring' } },
    });
    const both = async () =>
      (
        await Promise.all([apiKey, rotated.body.api_key].map((key) => agency.call('GET', '/models', { key })))
      ).map(({ status }) => status);
    expect(await both()).toEqual([200, 200]);
    const before = agency.clock.nowMs;
    agency.clock.nowMs += 3_600_001;
    try {
      expect(await both()).toEqual([401, 200]);
      const states = (await admin('GET', `${path}/keys`)).body.data.map(
        (key: { state: string }) => key.state,
      );
      expect(states).toEqual(['expired', 'active']);
    } finally {
      agency.clock.nowMs = before;
    }
  });

  test('a rotation without a body takes a day of grace; a second one of the same key is a conflict', async () => {
    const { path, keyId } = await agency.newTenant();
    const rotated = await agency.call('POST', `${path}/keys/${keyId}/rotate`, { key: ADMIN_KEY });
    expect(rotated.body.replaces.expires_at).toBe(agency.clock.nowMs / 1000 + 86_400);
    expect(await admin('POST', `${path}/keys/${keyId}/rotate`, {})).toMatchObject(refusal(409, 'conflict'));
    for (const body of [{ grace_seconds: -1 }, { grace_seconds: 1e9 }, { grace_seconds: '1' }]) {
      expect(await admin('POST', `${path}/keys/${keyId}/rotate`, body)).toMatchObject(
        refusal(400, 'invalid_request'),
      );
    }
  });

  test('an expiring key stops at its time', async () => {
    const { path } = await agency.newTenant();
    const expiresAt = agency.clock.nowMs / 1000 + 60;
    const { body } = await admin('POST', `${path}/keys`, { name: 'short', expires_at: expiresAt });
    expect(await agency.call('GET', '/models', { key: body.api_key })).toMatchObject({ status: 200 });
    agency.clock.nowMs += 60_000;
    expect(await agency.call('GET', '/models', { key: body.api_key })).toMatchObject({ status: 401 });
  });

  test('a revoked key stops at once, for calls and for holds, and revoking again changes nothing', async () => {
    const { id, path, keyId, apiKey } = await agency.newTenant();
    const revoked = await admin('DELETE', `${path}/keys/${keyId}`, undefined, {
      query: { reason: 'leaked' },
    });
    expect(revoked).toMatchObject({ status: 200, body: { state: 'revoked' } });
    expect(await agency.call('GET', '/models', { key: apiKey })).toMatchObject({ status: 401 });
    const hold = await agency.deps.ledger.placeHold({
      tenantId: id as TenantId,
      keyId: keyId as KeyId,
      holdId: systemWorld.newId('hold'),
      amountMicro: micro(1),
      nowMs: agency.clock.nowMs,
      expiresAtMs: agency.clock.nowMs + 1_000,
    });
    expect(hold).toMatchObject({ ok: false, error: { code: 'key_stopped' } });
    expect((await admin('DELETE', `${path}/keys/${keyId}`)).body).toEqual(revoked.body);
  });

  test('another tenant’s key, and an unknown one, is 404 to rotate and to revoke', async () => {
    const [mine, theirs] = [await agency.newTenant(), await agency.newTenant()];
    for (const key of [theirs.keyId, 'key_01k00000000000000000000000', 'nonsense', 'key_%2F']) {
      expect(await admin('POST', `${mine.path}/keys/${key}/rotate`, {})).toMatchObject(
        refusal(404, 'not_found'),
      );
      expect(await admin('DELETE', `${mine.path}/keys/${key}`)).toMatchObject(refusal(404, 'not_found'));
    }
    expect(await agency.call('GET', '/models', { key: theirs.apiKey })).toMatchObject({ status: 200 });
    expect(await admin('POST', `${NOBODY}/keys`, { name: 'x' })).toMatchObject(refusal(404, 'not_found'));
    expect(await admin('GET', `${NOBODY}/keys`)).toMatchObject(refusal(404, 'not_found'));
  });
});
