import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { KEY_STOP_KEPT_MS } from '#core/ledger/limits.ts';
import type { Ledger, UsageBook } from '#core/ledger/ports.ts';
import type { GrantId, HoldId, KeyId, TenantId } from '#core/shared/ids.ts';
import { micro, ZERO } from '#core/shared/money.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { aCharge, aGrant, aHold, entriesOn, KEY_A, NOON_MS, testId } from '#test/builders/ledger.ts';
import { readBook } from '#test/builders/ledgerOracle.ts';

let database: TestDatabase;
let ledger: Ledger & UsageBook;
let tenant: TenantId;
let tenants = 0;

beforeAll(async () => {
  database = await startTestDatabase();
  ledger = makeLedgerStore(database.client, `${database.prefix}ledger`);
});
afterAll(() => database.stop());
beforeEach(async () => {
  tenants += 1;
  tenant = testId<TenantId>('tenant', String(tenants));
  await ledger.openAccount(tenant, ZERO);
});

async function balance() {
  const account = await ledger.readAccount(tenant);
  return [account?.availableMicro, account?.heldMicro, account?.debtMicro];
}

const debitOf = (id: string, amount: number) => ({
  tenantId: tenant,
  amountMicro: micro(amount),
  source: { kind: 'admin' as const, id },
  reason: 'a correction',
  actor: 'ann',
  nowMs: NOON_MS,
});

test('a hold moves credits from available to held, and a settlement returns what the call did not cost', async () => {
  await ledger.grant(aGrant(tenant, 'one'));
  expect(await ledger.placeHold(aHold(tenant, 'call', { amountMicro: micro(400) }))).toEqual({
    ok: true,
    value: { availableMicro: 600 },
  });
  expect(await balance()).toEqual([600, 400, 0]);
  expect(await ledger.settle(tenant, [aCharge(tenant, 'call', 150)])).toEqual([
    { outcome: 'settled', chargedMicro: 150, shortfallMicro: 0 },
  ]);
  expect(await balance()).toEqual([850, 0, 0]);
});

test('a hold placed twice by an attempt whose answer was lost is placed once', async () => {
  await ledger.grant(aGrant(tenant, 'one'));
  const first = await ledger.placeHold(aHold(tenant, 'call'));
  expect(await ledger.placeHold(aHold(tenant, 'call'))).toEqual(first);
  expect(await balance()).toEqual([900, 100, 0]);
});

test('refuses a hold above the available credits and says what is available', async () => {
  await ledger.grant(aGrant(tenant, 'one', { amountMicro: micro(50) }));
  expect(await ledger.placeHold(aHold(tenant, 'call'))).toEqual({
    ok: false,
    error: { code: 'insufficient_credits', availableMicro: 50 },
  });
  expect(await balance()).toEqual([50, 0, 0]);
});

test('refuses a hold for a suspended account, a stopped key and an unknown tenant', async () => {
  await ledger.grant(aGrant(tenant, 'one'));
  await ledger.stopKey(tenant, KEY_A, NOON_MS + 10);
  expect((await ledger.placeHold(aHold(tenant, 'before'))).ok).toBe(true);
  expect(await ledger.placeHold(aHold(tenant, 'after', { nowMs: NOON_MS + 10 }))).toEqual({
    ok: false,
    error: { code: 'key_stopped' },
  });
  await ledger.setStatus(tenant, 'suspended');
  expect(await ledger.placeHold(aHold(tenant, 'later'))).toEqual({
    ok: false,
    error: { code: 'account_suspended' },
  });
  expect(await ledger.placeHold(aHold(testId<TenantId>('tenant', 'nobody'), 'call'))).toEqual({
    ok: false,
    error: { code: 'account_not_found' },
  });
});

test('a key keeps its earlier stop', async () => {
  await ledger.stopKey(tenant, KEY_A, 10);
  expect(await ledger.stopKey(tenant, KEY_A, 20)).toEqual({ ok: true, value: 10 });
  expect(await ledger.stopKey(tenant, KEY_A, 5)).toEqual({ ok: true, value: 5 });
});

test('a closed account does not open again', async () => {
  await ledger.setStatus(tenant, 'closed');
  expect(await ledger.setStatus(tenant, 'active')).toEqual({ ok: false, error: { code: 'account_closed' } });
});

test('voiding returns a hold in full, once', async () => {
  await ledger.grant(aGrant(tenant, 'one'));
  await ledger.placeHold(aHold(tenant, 'call'));
  const holdId = testId<HoldId>('hold', 'call');
  expect(await ledger.voidHold(tenant, holdId)).toBe('voided');
  expect(await ledger.voidHold(tenant, holdId)).toBe('already_ended');
  expect(await balance()).toEqual([1_000, 0, 0]);
});

test('a usage event settles once, alone, repeated in one delivery, and among new ones', async () => {
  await ledger.grant(aGrant(tenant, 'one'));
  const [a, b] = [aCharge(tenant, 'a', 10), aCharge(tenant, 'b', 20)];
  expect((await ledger.settle(tenant, [a, a])).map((o) => o.outcome)).toEqual(['settled', 'duplicate']);
  expect((await ledger.settle(tenant, [a, b])).map((o) => o.outcome)).toEqual(['duplicate', 'settled']);
  expect(await balance()).toEqual([970, 0, 0]);
});

test('many events settle in as few transactions as fit, each with its entry and roll-up', async () => {
  await ledger.grant(aGrant(tenant, 'one'));
  const charges = Array.from({ length: 230 }, (_, n) =>
    aCharge(tenant, `n${n}`, 2, { model: `m${n % 3}`, status: n % 10 === 0 ? 'engine_failed' : 'succeeded' }),
  );
  await ledger.settle(tenant, charges);
  expect(await balance()).toEqual([540, 0, 0]);
  const rollups = await ledger.listRollups(tenant, '2026-03-02', '2026-03-02');
  expect(rollups.map((r) => r.calls)).toEqual([77, 77, 76]);
  expect(rollups.reduce((sum, r) => sum + r.costMicro, 0)).toBe(460);
  expect(rollups.reduce((sum, r) => sum + r.failedCalls, 0)).toBe(23);
  expect(await ledger.listRollups(tenant, '2026-03-03', '2026-03-30')).toEqual([]);
});

test('usage past an expired hold takes what is available and records the shortfall', async () => {
  await ledger.grant(aGrant(tenant, 'one', { amountMicro: micro(100) }));
  await ledger.placeHold(aHold(tenant, 'slow'));
  expect((await ledger.expire(tenant, NOON_MS + 60_000)).holds).toEqual(['hold_slow']);
  await ledger.placeHold(aHold(tenant, 'other', { amountMicro: micro(70) }));
  expect(await ledger.settle(tenant, [aCharge(tenant, 'slow', 100)])).toEqual([
    { outcome: 'settled', chargedMicro: 30, shortfallMicro: 70 },
  ]);
  expect(await balance()).toEqual([0, 70, 0]);
});

test('a grant counts once per source; another input under the same source is a conflict', async () => {
  const input = aGrant(tenant, 'one');
  expect(await ledger.grant(input)).toMatchObject({ ok: true, value: { outcome: 'applied' } });
  const again = { ...input, grantId: testId<GrantId>('grant', 'other'), nowMs: NOON_MS + 5 };
  expect(await ledger.grant(again)).toMatchObject({ ok: true, value: { outcome: 'duplicate' } });
  expect(await ledger.grant({ ...input, amountMicro: micro(7) })).toEqual({
    ok: false,
    error: { code: 'idempotency_conflict' },
  });
  expect(await balance()).toEqual([1_000, 0, 0]);
});

test('one source cannot both grant and debit', async () => {
  const source = { kind: 'admin' as const, id: 'key-1' };
  await ledger.grant(aGrant(tenant, 'one', { source }));
  expect(await ledger.debit({ ...debitOf('key-1', 10), source })).toEqual({
    ok: false,
    error: { code: 'idempotency_conflict' },
  });
  expect(await balance()).toEqual([1_000, 0, 0]);
});

test('an account takes no more credits than can be counted exactly', async () => {
  const large = micro(3_000_000_000_000_000);
  expect((await ledger.grant(aGrant(tenant, 'one', { amountMicro: large }))).ok).toBe(true);
  expect(await ledger.grant(aGrant(tenant, 'two', { amountMicro: large }))).toEqual({
    ok: false,
    error: { code: 'too_many_grants' },
  });
});

test('a debit never goes below zero', async () => {
  await ledger.grant(aGrant(tenant, 'one'));
  expect(await ledger.debit(debitOf('1', 1_001))).toEqual({
    ok: false,
    error: { code: 'insufficient_credits', availableMicro: 1_000 },
  });
  expect((await ledger.debit(debitOf('1', 600))).ok).toBe(true);
  expect((await ledger.debit(debitOf('2', 600))).ok).toBe(false);
  expect(await balance()).toEqual([400, 0, 0]);
});

test('a claw-back of spent credits is a debt that the next grant pays first', async () => {
  await ledger.grant(aGrant(tenant, 'one'));
  await ledger.debit(debitOf('1', 800));
  const refund = {
    ...debitOf('r', 1_000),
    grantId: testId<GrantId>('grant', 'one'),
    source: { kind: 'refund' as const, id: 'ref-1' },
  };
  await ledger.clawBack(refund);
  expect(await balance()).toEqual([-800, 0, 800]);
  await ledger.clawBack({ ...refund, source: { kind: 'refund', id: 'ref-2' } });
  expect(await balance()).toEqual([-800, 0, 800]);
  await ledger.grant(aGrant(tenant, 'two'));
  expect(await balance()).toEqual([200, 0, 0]);
});

test('expired credits go at the first hold after their time, but not from under a hold', async () => {
  await ledger.grant(aGrant(tenant, 'brief', { expiresAtMs: NOON_MS + 10 }));
  await ledger.grant(aGrant(tenant, 'lasting', { amountMicro: micro(500) }));
  await ledger.placeHold(aHold(tenant, 'early', { amountMicro: micro(700) }));
  expect(await ledger.placeHold(aHold(tenant, 'late', { nowMs: NOON_MS + 10 }))).toEqual({
    ok: false,
    error: { code: 'insufficient_credits', availableMicro: 0 },
  });
  expect(await balance()).toEqual([0, 700, 0]);
  await ledger.voidHold(tenant, testId<HoldId>('hold', 'early'));
  await ledger.expire(tenant, NOON_MS + 10);
  expect(await balance()).toEqual([500, 0, 0]);
});

test('an expired hold makes room for the next one at once', async () => {
  await ledger.grant(aGrant(tenant, 'one', { amountMicro: micro(100) }));
  await ledger.placeHold(aHold(tenant, 'dead'));
  const later = { nowMs: NOON_MS + 60_000, expiresAtMs: NOON_MS + 120_000 };
  expect((await ledger.placeHold(aHold(tenant, 'next', later))).ok).toBe(true);
  expect(await balance()).toEqual([0, 100, 0]);
});

const about = (id: string) => ({
  tenantId: tenant,
  grantId: testId<GrantId>('grant', 'one'),
  source: { kind: 'dispute' as const, id },
  reason: 'a dispute',
  actor: 'dodo',
  nowMs: NOON_MS,
});

test('a dispute that is lost after it was released takes its credits back while another freezes the grant', async () => {
  await ledger.grant(aGrant(tenant, 'one'));
  await ledger.freeze(about('lost'));
  await ledger.freeze(about('other'));
  await ledger.release(about('lost'));
  expect(await balance()).toEqual([0, 0, 0]);
  expect(await ledger.clawBack({ ...about('lost'), amountMicro: micro(300) })).toMatchObject({ ok: true });
  // What is taken back is no longer frozen: nothing of the grant is counted twice.
  expect((await readBook(database, tenant)).violations).toEqual([]);
  await ledger.release(about('other'));
  expect(await balance()).toEqual([700, 0, 0]);
});

test('freezing puts the rest of a grant out of reach and releasing brings it back, in either order', async () => {
  await ledger.grant(aGrant(tenant, 'one'));
  await ledger.freeze(about('d1'));
  expect(await balance()).toEqual([0, 0, 0]);
  await ledger.release(about('d1'));
  expect(await balance()).toEqual([1_000, 0, 0]);
  await ledger.release(about('d2'));
  await ledger.freeze(about('d2'));
  expect(await balance()).toEqual([1_000, 0, 0]);
  await ledger.freeze(about('d3'));
  await ledger.clawBack({ ...about('d3'), amountMicro: micro(300) });
  expect(await balance()).toEqual([700, 0, 0]);
});

test('the book is listed newest first, page by page, and an unknown cursor is refused', async () => {
  for (let n = 0; n < 5; n++) await ledger.grant(aGrant(tenant, `g${n}`, { nowMs: NOON_MS + n }));
  const first = await ledger.listEntries(tenant, { limit: 3 });
  const cursor = first.ok ? (first.value.nextCursor ?? '') : '';
  const second = await ledger.listEntries(tenant, { limit: 3, cursor });
  const times = [first, second].flatMap(entriesOn).map((entry) => entry.atMs - NOON_MS);
  expect(times).toEqual([4, 3, 2, 1, 0]);
  expect(await ledger.listEntries(tenant, { limit: 3, cursor: 'no cursor' })).toEqual({
    ok: false,
    error: { code: 'invalid_cursor' },
  });
});

test('an hour with usage is due for the archive until it is cleared with nothing settled in it meanwhile', async () => {
  await ledger.grant(aGrant(tenant, 'one'));
  await ledger.settle(tenant, [
    aCharge(tenant, 'a', 1),
    aCharge(tenant, 'b', 2, { startedAtMs: NOON_MS + 3_600_000 }),
  ]);
  const [noon] = await ledger.archiveDue(tenant);
  if (noon === undefined) throw new Error('no hour is due');
  expect(noon.hour).toBe('2026-03-02T12');
  await ledger.settle(tenant, [aCharge(tenant, 'late', 1)]);
  expect(await ledger.clearArchiveDue(tenant, noon)).toBe(false);
  const [again, next] = await ledger.archiveDue(tenant);
  if (again === undefined) throw new Error('no hour is due');
  expect(await ledger.clearArchiveDue(tenant, again)).toBe(true);
  expect(await ledger.archiveDue(tenant)).toEqual([next]);
  const ids = [];
  for await (const entry of ledger.entriesOfHour(tenant, noon.hour)) ids.push(entry.usage?.id);
  expect(ids).toEqual(['use_a', 'use_late']);
});

test('a sweep forgets a stop that is older than every cache, and keeps a younger one', async () => {
  const [old, young] = [testId<KeyId>('key', 'old'), testId<KeyId>('key', 'young')];
  await ledger.stopKey(tenant, old, NOON_MS - KEY_STOP_KEPT_MS - 1);
  await ledger.stopKey(tenant, young, NOON_MS - KEY_STOP_KEPT_MS);
  await ledger.expire(tenant, NOON_MS);
  expect((await ledger.readAccount(tenant))?.keyStops).toEqual({ [young]: NOON_MS - KEY_STOP_KEPT_MS });
});
