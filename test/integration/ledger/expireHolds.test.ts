import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { TenantId } from '#core/shared/ids.ts';
import { ZERO } from '#core/shared/money.ts';
import { TABLES } from '#io/definitions/resources.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeSweepLog } from '#io/dynamodb/ledgerSweeps.ts';
import { wireExpireHolds } from '#io/wire/expireHolds.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { aGrant, aHold, NOON_MS, testId } from '#test/builders/ledger.ts';
import { aTenant } from '#test/builders/tenants.ts';

let database: TestDatabase;
const table = (name: string) => `${database.prefix}${name}`;

beforeAll(async () => {
  database = await startTestDatabase();
  vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', database.url);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  vi.stubEnv(TABLES.ledger.env, table('ledger'));
  vi.stubEnv(TABLES.directory.env, table('directory'));
  vi.stubEnv(TABLES.billing.env, table('billing'));
});
afterEach(() => vi.restoreAllMocks());
afterAll(async () => {
  vi.unstubAllEnvs();
  await database.stop();
});

test('ends the holds of every tenant that are past their time, counts them, and notes the run', async () => {
  const directory = makeDirectory(database.client, table('directory'));
  const ledger = makeLedgerStore(database.client, table('ledger'));
  const tenants = Array.from({ length: 3 }, (_, n) => testId<TenantId>('tenant', `t${n}`));
  for (const id of tenants) {
    await directory.createTenant(aTenant({ id }), {
      id: `aud_${id}`,
      atMs: NOON_MS,
      actor: 'ann',
      action: 'create_tenant',
      tenantId: id,
      reason: 'new client',
      details: {},
    });
    await ledger.openAccount(id, ZERO);
    await ledger.grant(aGrant(id, 'one'));
    await ledger.placeHold(aHold(id, 'dead', { expiresAtMs: NOON_MS }));
    await ledger.placeHold(aHold(id, 'alive', { expiresAtMs: Date.now() + 600_000 }));
  }
  const { expireHolds, metrics, logger } = wireExpireHolds(process.env);
  const counted = vi.spyOn(metrics, 'addMetric');
  vi.spyOn(logger, 'warn').mockImplementation(() => {});
  const before = Date.now();
  await expireHolds();

  for (const id of tenants) {
    const account = await ledger.readAccount(id);
    expect(Object.keys(account?.holds ?? {})).toEqual(['hold_alive']);
    expect(account?.availableMicro).toBe(900);
  }
  expect(counted.mock.calls.reduce((sum, [, , value]) => sum + value, 0)).toBe(3);
  expect(await makeSweepLog(database.client, table('ledger')).lastSweepMs()).toBeGreaterThanOrEqual(before);
});
