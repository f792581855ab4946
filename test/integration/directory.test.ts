import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { KeyId, TenantId } from '#core/shared/ids.ts';
import type { AuditRecord, Directory } from '#core/tenants/ports.ts';
import { cacheCallers } from '#io/callerCache.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { systemWorld } from '#io/world.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { aKey, aModel, aTenant } from '#test/builders/tenants.ts';

let database: TestDatabase;
let directory: Directory;
let calls = 0;
beforeAll(async () => {
  database = await startTestDatabase();
  directory = makeDirectory(database.client, `${database.prefix}directory`);
  database.client.middlewareStack.add(
    (next) => (args) => {
      calls += 1;
      return next(args);
    },
    { step: 'finalizeRequest' },
  );
});
afterAll(() => database.stop());
beforeEach(() => {
  calls = 0;
});

let time = 1_000;
const audit = (over: Partial<AuditRecord> = {}): AuditRecord => ({
  id: systemWorld.newId('auditRecord'),
  atMs: ++time,
  actor: 'admin',
  action: 'test',
  tenantId: null,
  reason: 'because',
  details: { a: 1, b: 'x', c: null, d: true },
  ...over,
});

/** A stored tenant with one key and two models. */
async function settledTenant() {
  const tenant = aTenant();
  await directory.createTenant(tenant, audit({ tenantId: tenant.id }));
  const key = aKey({ tenantId: tenant.id });
  await directory.createKey(key, audit({ tenantId: tenant.id }));
  const models = [
    aModel({ tenantId: tenant.id, alias: 'a/model' }),
    aModel({ tenantId: tenant.id, alias: 'b' }),
  ];
  for (const model of models) await directory.createModel(model, audit({ tenantId: tenant.id }));
  return { tenant, key, models };
}

test('a key leads to its tenant and models in two reads', async () => {
  const { tenant, key, models } = await settledTenant();
  calls = 0;
  expect(await directory.find(key.id)).toEqual({ key, tenant, models });
  expect(calls).toBe(2);
});

test('an unknown key, tenant or model is undefined or empty, never an error', async () => {
  expect(await directory.find(systemWorld.newId<KeyId>('key'))).toBeUndefined();
  const nobody = systemWorld.newId<TenantId>('tenant');
  expect(await directory.readTenant(nobody)).toBeUndefined();
  expect(await directory.listModels(nobody)).toEqual([]);
  expect(await directory.listKeys(nobody, { limit: 10 })).toEqual({ keys: [], nextCursor: null });
  expect(await directory.updateTenant(nobody, { name: 'x' }, audit({ tenantId: nobody }))).toBeUndefined();
  expect(await directory.createKey(aKey({ tenantId: nobody }), audit({ tenantId: nobody }))).toBe(false);
  expect(await directory.createModel(aModel({ tenantId: nobody }), audit({ tenantId: nobody }))).toBe(false);
  expect((await directory.listAudit({ limit: 10, tenantId: nobody })).records).toEqual([]);
});

test('changes of different fields of one tenant do not undo each other', async () => {
  const { tenant } = await settledTenant();
  await Promise.all([
    directory.updateTenant(tenant.id, { name: 'Renamed' }, audit({ tenantId: tenant.id })),
    directory.updateTenant(tenant.id, { dodoCustomerId: 'cus_1' }, audit({ tenantId: tenant.id })),
    directory.updateTenant(tenant.id, { status: 'suspended' }, audit({ tenantId: tenant.id })),
  ]);
  expect(await directory.readTenant(tenant.id)).toEqual({
    ...tenant,
    name: 'Renamed',
    dodoCustomerId: 'cus_1',
    status: 'suspended',
  });
});

test('a write that does not apply leaves no audit record', async () => {
  const { tenant, key, models } = await settledTenant();
  const before = await directory.listAudit({ limit: 100, tenantId: tenant.id });
  expect(await directory.createTenant(tenant, audit({ tenantId: tenant.id }))).toBe(false);
  expect(await directory.createKey(key, audit({ tenantId: tenant.id }))).toBe(false);
  expect(await directory.createModel(models[0] ?? aModel(), audit({ tenantId: tenant.id }))).toBe(false);
  expect(await directory.removeModel(tenant.id, 'nothing', audit({ tenantId: tenant.id }))).toBe(false);
  expect(await directory.listAudit({ limit: 100, tenantId: tenant.id })).toEqual(before);
});

test('a rotation gives the old key its end and the new key its place, once', async () => {
  const { tenant, key } = await settledTenant();
  const rotate = (replacement = aKey({ tenantId: tenant.id })) =>
    directory.rotateKey(
      { replaced: key.id, expiresAtMs: 5_000, replacement },
      audit({ tenantId: tenant.id }),
    );
  const replacement = aKey({ tenantId: tenant.id });
  expect(await rotate(replacement)).toBe(true);
  expect(await rotate()).toBe(false);
  expect((await directory.listKeys(tenant.id, { limit: 10 })).keys).toEqual([
    { ...key, expiresAtMs: 5_000, replacedBy: replacement.id },
    replacement,
  ]);
});

test('a revoked key stays revoked from its first revocation on', async () => {
  const { tenant, key } = await settledTenant();
  expect(await directory.revokeKey(key.id, 7_000, audit({ tenantId: tenant.id }))).toBe(true);
  expect(await directory.revokeKey(key.id, 9_000, audit({ tenantId: tenant.id }))).toBe(false);
  expect((await directory.readKey(key.id))?.revokedAtMs).toBe(7_000);
});

test('pages of tenants and of the audit log cover everything once, whatever the page size', async () => {
  for (let i = 0; i < 5; i++) await settledTenant();
  const pages = async <T>(
    read: (cursor?: string) => Promise<{ items: readonly T[]; nextCursor: string | null }>,
  ) => {
    const all: T[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < 100; page++) {
      const { items, nextCursor } = await read(cursor);
      all.push(...items);
      if (nextCursor === null) return all;
      cursor = nextCursor;
    }
    throw new Error('the pages never end');
  };
  const tenantsBy = (limit: number) =>
    pages(async (cursor) => {
      const { tenants, nextCursor } = await directory.listTenants({ limit, ...(cursor && { cursor }) });
      return { items: tenants.map(({ id }) => id), nextCursor };
    });
  const auditBy = (limit: number) =>
    pages(async (cursor) => {
      const { records, nextCursor } = await directory.listAudit({ limit, ...(cursor && { cursor }) });
      return { items: records.map(({ atMs }) => atMs), nextCursor };
    });
  const tenants = await tenantsBy(100);
  expect(tenants.length).toBeGreaterThanOrEqual(5);
  expect(await tenantsBy(2)).toEqual(tenants);
  expect(new Set(tenants).size).toBe(tenants.length);
  const records = await auditBy(100);
  expect(await auditBy(3)).toEqual(records);
  expect(records).toEqual(records.toSorted((a, b) => b - a));
});

test('any text is a valid cursor', async () => {
  for (const cursor of ['x', '{"a":1}', 'ten_', '0', '\u0000', 'ü'.repeat(200)]) {
    await directory.listTenants({ limit: 2, cursor });
    await directory.listAudit({ limit: 2, cursor });
  }
});

test('a warm cache asks nothing, refreshes behind the call, and waits once an answer is too old', async () => {
  const { tenant, key } = await settledTenant();
  let now = 0;
  const cached = cacheCallers(directory, () => now);
  await Promise.all([cached.find(key.id), cached.find(key.id)]);
  calls = 0;
  await cached.find(key.id);
  expect(calls).toBe(0);

  await directory.updateTenant(tenant.id, { name: 'Renamed' }, audit({ tenantId: tenant.id }));
  now = 3_000;
  expect((await cached.find(key.id))?.tenant.name).toBe(tenant.name);
  await expect.poll(async () => (await cached.find(key.id))?.tenant.name).toBe('Renamed');

  await directory.updateTenant(tenant.id, { name: 'Again' }, audit({ tenantId: tenant.id }));
  now = 100_000;
  expect((await cached.find(key.id))?.tenant.name).toBe('Again');
});

test('a caller is read anew on request, once for all who ask at once, and remembered so', async () => {
  const { tenant, key } = await settledTenant();
  const cached = cacheCallers(directory, () => 0);
  await cached.find(key.id);
  await directory.createModel(aModel({ tenantId: tenant.id, alias: 'new' }), audit({ tenantId: tenant.id }));
  const aliases = async (read: typeof cached.find) => (await read(key.id))?.models.map(({ alias }) => alias);
  expect(await aliases(cached.find)).not.toContain('new');
  calls = 0;
  const [one] = await Promise.all([aliases(cached.renew), aliases(cached.renew)]);
  expect(one).toContain('new');
  const asked = calls;
  await aliases(cached.renew);
  expect(calls).toBe(2 * asked);
  expect(await aliases(cached.find)).toContain('new');
});
