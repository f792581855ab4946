import { afterAll, beforeAll, expect, test } from 'vitest';
import { settleUsage } from '#core/metering/settleUsage.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { ZERO } from '#core/shared/money.ts';
import { tallyUsage } from '#core/watch/tallyUsage.ts';
import { type WatchDeps, watchUsage } from '#core/watch/watchUsage.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeNoticeOutbox } from '#io/dynamodb/noticeOutbox.ts';
import { makeUsageWatch } from '#io/dynamodb/usageWatch.ts';
import { makeNetworkHash } from '#io/networkHash.ts';
import { systemWorld } from '#io/world.ts';
import { testPriceBooks } from '#test/builders/chat.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { aCharge, aGrant, aHold, aUsageEvent, KEY_A, NOON_MS, testId } from '#test/builders/ledger.ts';
import { aTenant } from '#test/builders/tenants.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

const table = (name: string) => `${database.prefix}${name}`;
const clock = () => NOON_MS + 20 * 60_000;

async function watched() {
  const deps: WatchDeps = {
    watch: makeUsageWatch(database.client, table('watch'), clock),
    ledger: makeLedgerStore(database.client, table('ledger')),
    directory: makeDirectory(database.client, table('directory')),
    notices: makeNoticeOutbox(database.client, table('billing')),
    clock,
  };
  const ledger = makeLedgerStore(database.client, table('ledger'));
  const tenant = aTenant();
  await makeDirectory(database.client, table('directory')).createTenant(tenant, {
    id: systemWorld.newId<string>('auditRecord'),
    atMs: 1,
    actor: 'admin',
    action: 'test',
    tenantId: tenant.id,
    reason: 'test',
    details: {},
  });
  await ledger.openAccount(tenant.id, ZERO);
  await ledger.grant(aGrant(tenant.id, systemWorld.newId<string>('grant').slice(4)));
  return { deps, ledger, tenantId: tenant.id };
}

/** So many calls of one key, each from a network of its own. */
const callsFrom = (tenantId: TenantId, networks: number) =>
  Array.from({ length: networks }, (_, n) =>
    aUsageEvent(tenantId, `e${n}`, { startedAtMs: NOON_MS + n * 1_000, network: `${n}`.padStart(12, '0') }),
  );

const record = async ({ watch }: WatchDeps, events: ReturnType<typeof callsFrom>) => {
  for (const [tenantId, hours] of tallyUsage(events)) await watch.add(tenantId, hours);
};

test('a key used from many networks is told of once a day, and slowed where the tenant chose so', async () => {
  const { deps, ledger, tenantId } = await watched();
  const rules = { requests: 100 };
  const onUnusual = { requests: 1, minutes: 30 };
  await ledger.setLimits(tenantId, { scope: 'tenant', rules, onUnusual, nowMs: NOON_MS });
  const events = callsFrom(tenantId, 25);
  await record(deps, events.slice(0, 15));
  expect(await watchUsage(deps)).toEqual([]);
  await record(deps, events.slice(10));

  const slowedUntilMs = clock() + 30 * 60_000;
  const finding = { kind: 'many_networks', keyId: KEY_A, seen: 25, usual: 0 };
  expect(await watchUsage(deps)).toEqual([{ tenantId, outcome: 'found', finding, slowedUntilMs }]);
  expect(await watchUsage(deps)).toEqual([]);

  const { notices } = await makeNoticeOutbox(database.client, table('billing')).list({
    state: 'due',
    limit: 100,
  });
  const ours = notices.filter((notice) => notice.tenantId === tenantId);
  expect(ours.map(({ to, content }) => [to, content.kind]).sort()).toEqual([
    ['agency', 'unusual_use'],
    ['client', 'unusual_use'],
  ]);

  const call = (body: string, nowMs: number) =>
    ledger.placeHold(aHold(tenantId, body, { tokens: 1, nowMs, expiresAtMs: nowMs + 3_600_000 }));
  expect(await call('s1', clock())).toMatchObject({ ok: true });
  expect(await call('s2', clock())).toMatchObject({ ok: false, error: { kind: 'requests', max: 1 } });
  expect(await call('s3', slowedUntilMs)).toMatchObject({
    ok: true,
    value: { limits: { requests: { max: 100 } } },
  });
  expect(await call('s4', slowedUntilMs)).toMatchObject({ ok: true });
});

test('where the tenant did not choose so, the key goes on as before', async () => {
  const { deps, ledger, tenantId } = await watched();
  await record(deps, callsFrom(tenantId, 30));
  const [found] = await watchUsage(deps);
  expect(found).toMatchObject({ outcome: 'found', slowedUntilMs: null });
  expect((await ledger.readAccount(tenantId))?.limits).toBeUndefined();
});

test('a tenant’s own rules are what its use is held against', async () => {
  const { deps, tenantId } = await watched();
  const directory = makeDirectory(database.client, table('directory'));
  await record(deps, callsFrom(tenantId, 5));
  expect(await watchUsage(deps)).toEqual([]);
  const change = { watch: { many_networks: { networks: 5, times: 1 } } };
  await directory.updateTenant(tenantId, change, {
    id: systemWorld.newId<string>('auditRecord'),
    atMs: 2,
    actor: 'admin',
    action: 'test',
    tenantId,
    reason: 'test',
    details: {},
  });
  expect(await watchUsage(deps)).toMatchObject([{ tenantId, finding: { kind: 'many_networks', seen: 5 } }]);
});

test('a key that had no limit is slowed, and told of none when that is over', async () => {
  const { deps, ledger, tenantId } = await watched();
  const onUnusual = { requests: 1, minutes: 30 };
  await ledger.setLimits(tenantId, { scope: 'tenant', rules: {}, onUnusual, nowMs: NOON_MS });
  await record(deps, callsFrom(tenantId, 30));
  const [found] = await watchUsage(deps);
  const untilMs = clock() + 30 * 60_000;
  expect(found).toMatchObject({ outcome: 'found', slowedUntilMs: untilMs });
  const call = (body: string, nowMs: number) =>
    ledger.placeHold(aHold(tenantId, body, { tokens: 1, nowMs, expiresAtMs: nowMs + 3_600_000 }));
  expect(await call('n1', clock())).toMatchObject({ value: { limits: { requests: { max: 1, left: 0 } } } });
  expect(await call('n2', clock())).toMatchObject({ error: { kind: 'requests', scope: 'key' } });
  const later = await call('n3', untilMs);
  expect(later).toMatchObject({ ok: true, value: { limits: { countsCalls: false } } });
  expect(later).not.toHaveProperty('value.limits.requests');
});

test('a list that a program goes through is found in the hour that ended', async () => {
  const { deps, tenantId } = await watched();
  const paced = Array.from({ length: 360 }, (_, n) =>
    aUsageEvent(tenantId, `p${n}`, {
      startedAtMs: NOON_MS - 3_600_000 + n * 10_000,
      inputTokens: 100 + (n % 5),
    }),
  );
  for (let from = 0; from < paced.length; from += 100) await record(deps, paced.slice(from, from + 100));
  const training = aUsageEvent(tenantId, 'job', { operation: 'fine_tuning', inputTokens: 9_000_000 });
  await record(deps, [{ ...training, startedAtMs: NOON_MS - 1 }]);
  const finding = { kind: 'scraping', keyId: KEY_A, seen: 360, usual: 300 };
  expect(await watchUsage(deps)).toMatchObject([{ tenantId, outcome: 'found', finding }]);
});

test('a jump is found in the roll-ups, and told although a run died before it was marked', async () => {
  const { deps, ledger, tenantId } = await watched();
  for (const day of [1, 2, 3]) {
    const startedAtMs = NOON_MS - day * 86_400_000;
    await ledger.settle(tenantId, [aCharge(tenantId, `d${day}`, 0, { startedAtMs })]);
  }
  await record(deps, callsFrom(tenantId, 1));
  const busy: WatchDeps['ledger'] = {
    ...deps.ledger,
    listRollups: async (...args) =>
      (await deps.ledger.listRollups(...args)).concat(
        (await deps.ledger.listRollups(...args)).slice(0, 1).map((one) => ({
          ...one,
          day: '2026-03-02',
          calls: 1_500,
        })),
      ),
  };
  const dying: WatchDeps = {
    ...deps,
    ledger: busy,
    watch: { ...deps.watch, markTold: () => Promise.reject(new Error('died')) },
  };
  expect(await watchUsage(dying)).toMatchObject([{ tenantId, outcome: 'failed' }]);
  const finding = { kind: 'jump', keyId: KEY_A, seen: 1_500, usual: 1 };
  expect(await watchUsage({ ...deps, ledger: busy })).toMatchObject([{ tenantId, finding }]);
});

test('the network of a call reaches the watch and not the account book', async () => {
  const { ledger, tenantId } = await watched();
  const event = {
    ...aUsageEvent(tenantId, 'e1'),
    network: 'abcdefabcdef',
    priceBook: { id: 'test', version: 1 },
  };
  const books = { current: async () => testPriceBooks(), newest: async () => testPriceBooks() };
  const outcomes = await settleUsage({ ledger, books }, [{ id: 'm1', body: JSON.stringify(event) }]);
  expect(outcomes).toMatchObject([{ event: { network: 'abcdefabcdef' }, result: { ok: true } }]);
  const entries = await ledger.listEntries(tenantId, { limit: 10 });
  expect(JSON.stringify(entries)).toContain(event.id);
  expect(JSON.stringify(entries)).not.toContain('abcdefabcdef');
});

test('one network has another hash each day and for each tenant', async () => {
  const hash = makeNetworkHash(async () => 'a-pepper');
  const [one, other] = ['one', 'other'].map((body) => testId<TenantId>('tenant', body));
  if (one === undefined || other === undefined) throw new Error('no tenants');
  const first = await hash('203.0.113.7', one, NOON_MS);
  expect(first).toMatch(/^[0-9a-f]{12}$/);
  expect(await hash('203.0.113.99', one, NOON_MS)).toBe(first);
  const others = [
    await hash('203.0.114.7', one, NOON_MS),
    await hash('203.0.113.7', other, NOON_MS),
    await hash('203.0.113.7', one, NOON_MS + 86_400_000),
  ];
  expect(new Set([first, ...others]).size).toBe(4);
});
