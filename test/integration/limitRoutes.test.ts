import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KeyId, TenantId } from '#core/shared/ids.ts';
import { type Agency, refusal, startAgency } from '#test/builders/agency.ts';
import { testId } from '#test/builders/ledger.ts';

let agency: Agency;
beforeAll(async () => {
  agency = await startAgency();
});
afterAll(() => agency.stop());

const admin: Agency['admin'] = (...args) => agency.admin(...args);

const UNLIMITED = {
  requests_per_minute: null,
  tokens_per_minute: null,
  concurrent_calls: null,
  credits_per_day: null,
  credits_per_month: null,
};

describe('limits', () => {
  test('a tenant has none until they are set, and then all those that were set', async () => {
    const { path, id: tenantId } = await agency.newTenant();
    expect(await admin('GET', `${path}/limits`)).toMatchObject({
      status: 200,
      body: { object: 'limits', tenant: tenantId, key: null, ...UNLIMITED, keys: [] },
    });
    const limits = { ...UNLIMITED, requests_per_minute: 60, credits_per_month: '12.5' };
    const settings = {
      on_unusual_use: { requests_per_minute: 5, minutes: 30 },
    };
    const set = await admin('PUT', `${path}/limits`, { ...limits, ...settings, reason: 'as agreed' });
    expect(set).toMatchObject({
      status: 200,
      body: { ...limits, ...settings, used: { requests: 0, credits_this_month: '0' } },
    });
    expect((await admin('GET', `${path}/limits`)).body).toEqual(set.body);
    const fewer = await admin('PUT', `${path}/limits`, { tokens_per_minute: 9 });
    expect(fewer.body).toMatchObject({ ...UNLIMITED, tokens_per_minute: 9, ...settings });
  });

  test('a key has its own beside the tenant’s, and hands them to the key that replaces it', async () => {
    const { path, keyId } = await agency.newTenant();
    await admin('PUT', `${path}/limits`, { concurrent_calls: 4 });
    const set = await admin('PUT', `${path}/keys/${keyId}/limits`, { requests_per_minute: 3 });
    expect(set).toMatchObject({
      status: 200,
      body: { key: keyId, ...UNLIMITED, requests_per_minute: 3, slowed: null },
    });
    const rotated = await admin('POST', `${path}/keys/${keyId}/rotate`);
    expect(await admin('GET', `${path}/keys/${rotated.body.id}/limits`)).toMatchObject({
      body: { requests_per_minute: 3 },
    });
    const { body } = await admin('GET', `${path}/limits`);
    expect(body).toMatchObject({ concurrent_calls: 4 });
    expect(body.keys.map(({ key }: { key: string }) => key).sort()).toEqual([keyId, rotated.body.id].sort());
  });

  test('caps count the days of the tenant’s own calendar, also after it moved', async () => {
    const { path } = await agency.newTenant();
    await admin('PATCH', path, { time_zone: 'Europe/Berlin' });
    const set = await admin('PUT', `${path}/limits`, { credits_per_day: '1' });
    expect(set.body).toMatchObject({ time_zone: 'Europe/Berlin' });
    await admin('PATCH', path, { time_zone: 'Asia/Tokyo' });
    expect((await admin('GET', `${path}/limits`)).body).toMatchObject({
      time_zone: 'Asia/Tokyo',
      credits_per_day: '1',
    });
  });

  test('every change stands in the audit log with who, why and what', async () => {
    const { path, id: tenantId, keyId } = await agency.newTenant();
    await admin('PUT', `${path}/keys/${keyId}/limits`, { credits_per_day: '2', reason: 'a trial' });
    const { body } = await admin('GET', '/admin/audit', undefined, { query: { tenant: tenantId } });
    expect(body.data[0]).toMatchObject({
      action: 'limits.set',
      reason: 'a trial',
      details: { scope: keyId, day: 2_000_000, timeZone: 'UTC' },
    });
  });

  test.each([
    [{ requests_per_minute: 0 }, 'requests_per_minute'],
    [{ tokens_per_minute: 1.5 }, 'tokens_per_minute'],
    [{ concurrent_calls: '3' }, 'concurrent_calls'],
    [{ credits_per_day: 5 }, 'credits_per_day'],
    [{ credits_per_month: '-1' }, 'credits_per_month'],
    [{ credits_per_month: '1e3' }, 'credits_per_month'],
    [{ on_unusual_use: { requests_per_minute: 5 } }, 'on_unusual_use.minutes'],
    [{ on_unusual_use: { requests_per_minute: 0, minutes: 5 } }, 'on_unusual_use.requests_per_minute'],
  ])('setting %j is refused at %s and changes nothing', async (body, param) => {
    const { path } = await agency.newTenant();
    const before = await admin('GET', `${path}/limits`);
    expect(await admin('PUT', `${path}/limits`, body)).toMatchObject(refusal(400, 'invalid_request', param));
    expect(await admin('GET', `${path}/limits`)).toEqual(before);
  });

  test('another tenant’s key, and a tenant that is not there, are not found', async () => {
    const one = await agency.newTenant();
    const other = await agency.newTenant();
    for (const path of [
      `${one.path}/keys/${other.keyId}/limits`,
      `${one.path}/keys/nonsense/limits`,
      '/admin/tenants/ten_unknown/limits',
      `/admin/tenants/ten_unknown/keys/${one.keyId}/limits`,
    ]) {
      expect(await admin('GET', path)).toMatchObject(refusal(404, 'not_found'));
      expect(await admin('PUT', path, { requests_per_minute: 1 })).toMatchObject(refusal(404, 'not_found'));
    }
    expect(await agency.call('GET', `${one.path}/limits`, { key: one.apiKey })).toMatchObject({
      status: 403,
    });
  });

  test('at most fifty keys of a tenant have limits of their own', async () => {
    const { path, id, keyId } = await agency.newTenant();
    const tenantId = testId<TenantId>('tenant', id.slice('ten_'.length));
    const setOther = (n: number, rules: { requests?: number }) => {
      const scope = testId<KeyId>('key', `other-${n}`);
      return agency.deps.ledger.setLimits(tenantId, { scope, rules, nowMs: agency.clock.nowMs });
    };
    for (let n = 0; n < 50; n++) await setOther(n, { requests: 1 });
    const ask = () => admin('PUT', `${path}/keys/${keyId}/limits`, { requests_per_minute: 1 });
    expect(await ask()).toMatchObject(refusal(409, 'conflict'));
    await setOther(0, {});
    expect(await ask()).toMatchObject({ status: 200 });
  });
});
