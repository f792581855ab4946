import { afterAll, beforeAll, expect, test } from 'vitest';
import { grantFreeCredits } from '#core/freeTier/grantFreeCredits.ts';
import { localMonth } from '#core/pricing/localTime.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { formatCredits, micro, ZERO } from '#core/shared/money.ts';
import type { Tenant } from '#core/tenants/types.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { systemWorld } from '#io/world.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { entriesOn } from '#test/builders/ledger.ts';
import { aTenant } from '#test/builders/tenants.ts';

const DAY_MS = 86_400_000;
let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

function setUp() {
  const directory = makeDirectory(database.client, `${database.prefix}directory`);
  const ledger = makeLedgerStore(database.client, `${database.prefix}ledger`);
  const clock = { nowMs: Date.parse('2027-12-30T00:00:00Z') };
  const tenants: Tenant[] = [];
  // Only this test's own: the others in the table are other tests'.
  const listTenants = async () => ({ tenants, nextCursor: null });
  const run = () => grantFreeCredits({ directory: { listTenants }, ledger, clock: () => clock.nowMs });
  const newTenant = async (over: Partial<Tenant>) => {
    const tenant = aTenant({ freeMonthlyMicro: micro(5_000_000), ...over });
    await ledger.openAccount(tenant.id, ZERO);
    tenants.push(tenant);
    return tenant.id;
  };
  const available = async (id: TenantId) =>
    formatCredits((await ledger.readAccount(id))?.availableMicro ?? ZERO);
  const granted = async (id: TenantId) =>
    entriesOn(await ledger.listEntries(id, { limit: 100, kind: 'grant' }))
      .map(({ source }) => source.id)
      .reverse();
  return { directory, ledger, clock, tenants, run, newTenant, available, granted };
}

test('a month is granted once, however often and by how many it is run', async () => {
  const { run, newTenant, available, granted } = setUp();
  const id = await newTenant({});
  await Promise.all([run(), run(), run()]);
  await run();
  expect([await available(id), await granted(id)]).toEqual(['5', ['2027-12']]);
});

test('what is left does not add up: it expires when the next month begins', async () => {
  const { run, newTenant, available, clock, ledger, granted } = setUp();
  const id = await newTenant({});
  await run();
  await ledger.debit({
    tenantId: id,
    amountMicro: micro(2_000_000),
    source: { kind: 'admin', id: 'spent' },
    reason: 'spent',
    actor: 'test',
    nowMs: clock.nowMs,
  });
  expect(await available(id)).toBe('3');
  clock.nowMs = Date.parse('2028-01-01T00:00:00Z');
  await run();
  await ledger.expire(id, clock.nowMs);
  expect([await available(id), await granted(id)]).toEqual(['5', ['2027-12', '2028-01']]);
});

test('all spent within the month is not granted again', async () => {
  const { run, newTenant, available, clock, ledger } = setUp();
  const id = await newTenant({});
  await run();
  const debit = { tenantId: id, source: { kind: 'admin', id: 'all' } as const, reason: 'all', actor: 'test' };
  await ledger.debit({ ...debit, amountMicro: micro(5_000_000), nowMs: clock.nowMs });
  await run();
  expect(await available(id)).toBe('0');
});

test('over years, leap days and moved clocks each month of each calendar is granted once', async () => {
  const { run, newTenant, clock, ledger, granted, available } = setUp();
  const zones = ['Pacific/Kiritimati', 'Pacific/Pago_Pago', 'Europe/Berlin', 'America/Santiago'];
  const ids = await Promise.all(zones.map((timeZone) => newTenant({ timeZone })));
  const months = zones.map((): string[] => []);
  const until = Date.parse('2029-04-03T00:00:00Z');
  // Days before and after each turn of a month are enough; between them nothing can happen.
  for (; clock.nowMs < until; clock.nowMs += DAY_MS / 2) {
    const day = new Date(clock.nowMs + DAY_MS).getUTCDate();
    if (day > 3 && day < 30) continue;
    await run();
    for (const [index, timeZone] of zones.entries()) {
      const month = localMonth(timeZone, clock.nowMs);
      if (months[index]?.at(-1) !== month) months[index]?.push(month);
    }
  }
  for (const [index, id] of ids.entries()) {
    await ledger.expire(id, clock.nowMs);
    expect([await granted(id), await available(id)]).toEqual([months[index], '5']);
  }
  expect(months[0]?.length).toBeGreaterThan(16);
});

test('a suspended tenant gets none, and its month when it is back', async () => {
  const { run, newTenant, available, tenants } = setUp();
  const id = await newTenant({ status: 'suspended' });
  expect((await run()).granted).toEqual([]);
  tenants[0] = { ...(tenants[0] ?? aTenant()), status: 'active' };
  expect((await run()).granted).toMatchObject([{ tenantId: id, credits: '5' }]);
  expect(await available(id)).toBe('5');
});

test('another amount begins with the next month', async () => {
  const { run, newTenant, available, tenants, clock, ledger } = setUp();
  const id = await newTenant({});
  await run();
  tenants[0] = { ...(tenants[0] ?? aTenant()), freeMonthlyMicro: micro(9_000_000) };
  expect(await run()).toEqual({ granted: [], failed: [] });
  clock.nowMs += 2 * DAY_MS;
  await run();
  await ledger.expire(id, clock.nowMs);
  expect(await available(id)).toBe('9');
});

test('one account that cannot be written leaves the others theirs', async () => {
  const { run, newTenant, tenants } = setUp();
  tenants.push(aTenant({ id: systemWorld.newId<TenantId>('tenant'), freeMonthlyMicro: micro(1) }));
  const id = await newTenant({});
  const { granted, failed } = await run();
  expect([granted.map(({ tenantId }) => tenantId), failed.length]).toEqual([[id], 1]);
});

test('moved from zone to zone, a tenant has each month once and none that lies before one it had', async () => {
  const { run, newTenant, tenants, clock, ledger, granted } = setUp();
  clock.nowMs = Date.parse('2028-02-29T11:30:00Z'); // the first of March in Auckland
  const id = await newTenant({ timeZone: 'Pacific/Auckland' });
  const move = (timeZone: string) => {
    tenants[0] = { ...(tenants[0] ?? aTenant()), timeZone };
  };
  for (const zone of [
    'Pacific/Auckland',
    'UTC',
    'Pacific/Pago_Pago',
    'Pacific/Kiritimati',
    'Europe/Berlin',
  ]) {
    move(zone);
    await run();
    // All is spent, so that nothing of a month is left to be seen.
    const { availableMicro = ZERO } = (await ledger.readAccount(id)) ?? {};
    await ledger.debit({
      tenantId: id,
      amountMicro: availableMicro,
      source: { kind: 'admin', id: zone },
      reason: 'spent',
      actor: 'test',
      nowMs: clock.nowMs,
    });
  }
  expect(await granted(id)).toEqual(['2028-03']);
});
