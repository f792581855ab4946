import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KeyId, TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { changeTenant } from '#core/tenants/changeTenant.ts';
import { openTenant } from '#core/tenants/openTenant.ts';
import type { Directory } from '#core/tenants/ports.ts';
import { revokeKey } from '#core/tenants/revokeKey.ts';
import { rotateKey } from '#core/tenants/rotateKey.ts';
import { systemWorld } from '#io/world.ts';
import { type Agency, startAgency } from '#test/builders/agency.ts';

let agency: Agency;
beforeAll(async () => {
  agency = await startAgency();
});
afterAll(() => agency.stop());

const act = { actor: 'admin', reason: 'a test' };

/** The real parts, of which the directory dies at its next write. */
function dying() {
  const die = async (): Promise<never> => {
    throw new Error('the process died');
  };
  const directory: Directory = {
    ...agency.deps.directory,
    createTenant: die,
    updateTenant: die,
    rotateKey: die,
    revokeKey: die,
  };
  return { ...agency.deps, directory };
}

const holdWith = (tenantId: TenantId, keyId: KeyId) =>
  agency.deps.ledger.placeHold({
    tenantId,
    keyId,
    holdId: systemWorld.newId('hold'),
    amountMicro: micro(1),
    nowMs: agency.clock.nowMs,
    expiresAtMs: agency.clock.nowMs + 1_000,
  });

async function tenantWithCredits() {
  const tenant = await agency.newTenant();
  await agency.admin('POST', `${tenant.path}/credits`, { amount: '1', reason: 'to spend' });
  return { ...tenant, tenantId: tenant.id as TenantId, keyId: tenant.keyId as KeyId };
}

test('a tenant whose creation was cut short does not exist, and creating it again works', async () => {
  const wanted = { name: 'Half', priceBookId: 'per-call' };
  await expect(openTenant(dying(), wanted, act)).rejects.toThrow('died');
  const listed = await agency.deps.directory.listTenants({ limit: 100 });
  expect(listed.tenants.map(({ name }) => name)).not.toContain('Half');
  const tenant = await openTenant(agency.deps, wanted, act);
  expect(await agency.deps.ledger.readAccount(tenant.id)).toMatchObject({
    status: 'active',
    availableMicro: 0,
  });
});

test('a revocation cut short has stopped the spending already; again, it completes', async () => {
  const { tenantId, keyId, apiKey } = await tenantWithCredits();
  await expect(revokeKey(dying(), { tenantId, keyId, act })).rejects.toThrow('died');
  expect(await holdWith(tenantId, keyId)).toMatchObject({ ok: false, error: { code: 'key_stopped' } });
  expect(await revokeKey(agency.deps, { tenantId, keyId, act })).toMatchObject({ ok: true });
  expect(await agency.call('GET', '/models', { key: apiKey })).toMatchObject({ status: 401 });
});

test('a rotation cut short gives no key away; again, it completes and the old key keeps its grace', async () => {
  const { tenantId, keyId } = await tenantWithCredits();
  const rotate = (deps: Parameters<typeof rotateKey>[0]) =>
    rotateKey(deps, { tenantId, keyId, graceMs: 60_000, act });
  await expect(rotate(dying())).rejects.toThrow('died');
  expect((await agency.deps.directory.listKeys(tenantId, { limit: 10 })).keys).toHaveLength(1);
  expect(await rotate(agency.deps)).toMatchObject({ ok: true });
  expect(await holdWith(tenantId, keyId)).toMatchObject({ ok: true });
});

test('a suspension cut short has stopped the spending already; again, it completes', async () => {
  const { tenantId, keyId, path } = await tenantWithCredits();
  const change = { tenantId, change: { status: 'suspended' }, act } as const;
  await expect(changeTenant(dying(), change)).rejects.toThrow('died');
  expect(await holdWith(tenantId, keyId)).toMatchObject({ ok: false, error: { code: 'account_suspended' } });
  expect(await changeTenant(agency.deps, change)).toMatchObject({ ok: true });
  expect((await agency.admin('GET', path)).body).toMatchObject({ status: 'suspended' });
});

test('of many that rotate one key at once, one succeeds and one new key exists', async () => {
  const { path, keyId, tenantId } = await tenantWithCredits();
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => agency.admin('POST', `${path}/keys/${keyId}/rotate`, {})),
  );
  expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409, 409, 409, 409, 409, 409]);
  expect((await agency.deps.directory.listKeys(tenantId, { limit: 10 })).keys).toHaveLength(2);
});
