import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Ledger, PlaceHold } from '#core/ledger/ports.ts';
import type { LimitKind, LimitRules } from '#core/limits/types.ts';
import type { HoldId, KeyId, TenantId } from '#core/shared/ids.ts';
import { micro, ZERO } from '#core/shared/money.ts';
import { makeHoldStore } from '#io/dynamodb/holdStore.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { aCharge, aGrant, aHold, KEY_A, NOON_MS, testId } from '#test/builders/ledger.ts';
import { readBook } from '#test/builders/ledgerOracle.ts';

const FUNCTIONS = 100;
const SECOND_MS = 1_000;
const KEY_B = testId<KeyId>('key', 'b');

type HoldStore = Pick<Ledger, 'placeHold' | 'voidHold' | 'endCall'>;

let database: TestDatabase;
let ledger: Ledger;
let functions: readonly HoldStore[];
const clients: DynamoDBClient[] = [];
beforeAll(async () => {
  database = await startTestDatabase();
  ledger = makeLedgerStore(database.client, `${database.prefix}ledger`);
  // Each with a client, and a memory, of its own: nothing is shared but the table.
  functions = Array.from({ length: FUNCTIONS }, () => {
    const client = new DynamoDBClient({
      endpoint: database.url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    clients.push(client);
    const marshallOptions = { removeUndefinedValues: true };
    return makeHoldStore(
      DynamoDBDocumentClient.from(client, { marshallOptions }),
      `${database.prefix}ledger`,
    );
  });
});
afterAll(async () => {
  for (const client of clients) client.destroy();
  await database.stop();
});

let tenants = 0;
async function limitedTenant(rules: LimitRules, keyRules?: LimitRules, timeZone?: string): Promise<TenantId> {
  tenants += 1;
  const tenant = testId<TenantId>('tenant', `limited-${tenants}`);
  await ledger.openAccount(tenant, ZERO);
  await ledger.grant(aGrant(tenant, 'g', { amountMicro: micro(1_000_000_000) }));
  const zone = timeZone === undefined ? {} : { timeZone };
  await ledger.setLimits(tenant, { scope: 'tenant', rules, nowMs: NOON_MS, ...zone });
  if (keyRules !== undefined) {
    await ledger.setLimits(tenant, { scope: KEY_A, rules: keyRules, nowMs: NOON_MS });
  }
  return tenant;
}

let holds = 0;
const aCall = (tenant: TenantId, over: Partial<PlaceHold> = {}): PlaceHold => {
  holds += 1;
  return aHold(tenant, `c${holds}`, { tokens: 10, expiresAtMs: NOON_MS + 1_200_000, ...over });
};

/** Every function places one hold at the same time; what passed. */
async function allAtOnce(tenant: TenantId, over: Partial<PlaceHold> = {}): Promise<readonly PlaceHold[]> {
  const passed = await Promise.all(
    functions.map(async (store) => {
      const call = aCall(tenant, over);
      const placed = await store.placeHold(call);
      if (!placed.ok) expect(placed.error.code).toBe('limit_reached');
      return placed.ok ? [call] : [];
    }),
  );
  return passed.flat();
}

const refusalOf = async (call: PlaceHold) => {
  const placed = await ledger.placeHold(call);
  return placed.ok ? placed.value : placed.error;
};

describe('a hundred functions at once', () => {
  test.each<[LimitKind, number, Partial<PlaceHold>, number]>([
    ['requests', 17, {}, 17],
    ['tokens', 175, {}, 17],
    ['calls', 17, {}, 17],
    ['day', 1_750, {}, 17],
    ['month', 1_750, {}, 17],
  ])('pass a limit of %s as often as it allows, and no more', async (kind, max, over, expected) => {
    const tenant = await limitedTenant({ [kind]: max });
    expect(await allAtOnce(tenant, over)).toHaveLength(expected);
    expect((await readBook(database, tenant)).violations).toEqual([]);
    expect(Object.keys((await ledger.readAccount(tenant))?.holds ?? {})).toHaveLength(expected);
  });

  test('pass no more than the limit in any sixty seconds, wave after wave', async () => {
    const tenant = await limitedTenant({ requests: 20 });
    const passedAt: number[] = [];
    for (const seconds of [0, 59.999, 64.999, 66, 124, 131]) {
      const nowMs = NOON_MS + seconds * SECOND_MS;
      for (const { nowMs: at } of await allAtOnce(tenant, { nowMs })) passedAt.push(at);
    }
    const mostInWindow = Math.max(
      ...passedAt.map((from) => passedAt.filter((at) => at >= from && at < from + 60 * SECOND_MS).length),
    );
    expect(mostInWindow).toBe(20);
    expect(passedAt).toHaveLength(60);
  });

  test('count a key against its own limit and the tenant’s', async () => {
    const tenant = await limitedTenant({ requests: 30 }, { requests: 12 });
    expect(await allAtOnce(tenant, { keyId: KEY_A })).toHaveLength(12);
    expect(await allAtOnce(tenant, { keyId: KEY_B })).toHaveLength(18);
  });

  test('meet a changed limit with their next call', async () => {
    const tenant = await limitedTenant({ requests: 1_000 });
    expect(await allAtOnce(tenant)).toHaveLength(FUNCTIONS);
    await ledger.setLimits(tenant, { scope: 'tenant', rules: { requests: FUNCTIONS }, nowMs: NOON_MS });
    expect(await allAtOnce(tenant)).toHaveLength(0);
    await ledger.setLimits(tenant, { scope: 'tenant', rules: {}, nowMs: NOON_MS });
    expect(await allAtOnce(tenant)).toHaveLength(FUNCTIONS);
  });
});

describe('what is given back', () => {
  test('tokens that a call did not take, and the call itself as soon as it ends', async () => {
    const tenant = await limitedTenant({ tokens: 100, calls: 1 });
    const first = aCall(tenant, { tokens: 90 });
    expect(await refusalOf(first)).toMatchObject({ limits: { tokens: { max: 100, left: 10 } } });
    expect(await refusalOf(aCall(tenant, { tokens: 5 }))).toMatchObject({ kind: 'calls' });
    await ledger.endCall(tenant, first.holdId);
    expect(await refusalOf(aCall(tenant, { tokens: 20 }))).toMatchObject({ kind: 'tokens', left: 10 });
    const usage = { holdId: first.holdId, inputTokens: 20, outputTokens: 10 };
    await ledger.settle(tenant, [aCharge(tenant, 'u1', 7, usage)]);
    expect(await refusalOf(aCall(tenant, { tokens: 70 }))).toMatchObject({ limits: { tokens: { left: 0 } } });
    expect((await readBook(database, tenant)).violations).toEqual([]);
  });

  test('all of a call that the engine failed, but that it was asked', async () => {
    const tenant = await limitedTenant({ requests: 5, tokens: 10, calls: 1, day: 100 });
    const call = aCall(tenant);
    await ledger.placeHold(call);
    expect(await ledger.voidHold(tenant, call.holdId)).toBe('voided');
    expect(await ledger.voidHold(tenant, call.holdId)).toBe('already_ended');
    const again = await refusalOf(aCall(tenant));
    expect(again).toMatchObject({ limits: { requests: { left: 3 }, tokens: { left: 0 } } });
    expect((await readBook(database, tenant)).violations).toEqual([]);
  });

  test('all of a call whose function died, when its hold runs out, and once, though its event comes late', async () => {
    const tenant = await limitedTenant({ tokens: 100, calls: 1, day: 1_000 });
    const lost = aCall(tenant, { tokens: 90, amountMicro: micro(900) });
    await ledger.placeHold(lost);
    expect(await refusalOf(aCall(tenant, { tokens: 5 }))).toMatchObject({ kind: 'calls' });
    const { holds } = await ledger.expire(tenant, lost.expiresAtMs + 1);
    expect(holds).toEqual([lost.holdId]);
    await ledger.endCall(tenant, lost.holdId);
    const nowMs = lost.expiresAtMs + 2;
    const next = aCall(tenant, { nowMs, expiresAtMs: nowMs + 1_200_000, amountMicro: micro(900) });
    expect(await refusalOf(next)).toMatchObject({ limits: { tokens: { left: 90 } } });
    await ledger.endCall(tenant, next.holdId);
    const late = { holdId: lost.holdId, startedAtMs: lost.nowMs, inputTokens: 20, outputTokens: 10 };
    await ledger.settle(tenant, [aCharge(tenant, 'late', 70, late)]);
    const cap = aCall(tenant, { nowMs, expiresAtMs: nowMs + 1_200_000, amountMicro: micro(50) });
    expect(await refusalOf(cap)).toMatchObject({ kind: 'day', left: 30 });
    expect((await readBook(database, tenant)).violations).toEqual([]);
  });

  test('a refused call holds nothing and counts nowhere', async () => {
    const tenant = await limitedTenant({ requests: 5, tokens: 50 }, { day: 10 });
    const before = await ledger.readAccount(tenant);
    expect(await refusalOf(aCall(tenant))).toMatchObject({
      code: 'limit_reached',
      scope: 'key',
      kind: 'day',
    });
    expect(await ledger.readAccount(tenant)).toEqual(before);
  });
});

describe('spend caps', () => {
  /** Spends all that a cap allows at a moment, and says how many calls of 100 that were. */
  async function spendAt(tenant: TenantId, nowMs: number): Promise<number> {
    let calls = 0;
    for (;;) {
      const call = aCall(tenant, { nowMs, expiresAtMs: nowMs + 1_200_000 });
      if (!(await ledger.placeHold(call)).ok) return calls;
      calls += 1;
      const usage = { holdId: testId<HoldId>('hold', `c${holds}`), startedAtMs: nowMs, endedAtMs: nowMs };
      await ledger.settle(tenant, [aCharge(tenant, `c${holds}`, 100, usage)]);
    }
  }

  test.each([
    ['a leap day', 'day', 'UTC', '2028-02-28T23:59:59.999Z', '2028-02-29T00:00:00.000Z'],
    ['the day after it', 'day', 'UTC', '2028-02-29T23:59:59.999Z', '2028-03-01T00:00:00.000Z'],
    ['a day of 23 hours', 'day', 'Europe/Berlin', '2026-03-29T21:59:59.999Z', '2026-03-29T22:00:00.000Z'],
    ['a day of 25 hours', 'day', 'Europe/Berlin', '2026-10-25T22:59:59.999Z', '2026-10-25T23:00:00.000Z'],
    ['a month', 'month', 'America/New_York', '2026-12-01T04:59:59.999Z', '2026-12-01T05:00:00.000Z'],
    ['a year', 'month', 'Pacific/Kiritimati', '2026-12-31T09:59:59.999Z', '2026-12-31T10:00:00.000Z'],
  ] as const)('begin anew at the midnight that ends or begins %s', async (_, kind, zone, last, first) => {
    const tenant = await limitedTenant({ [kind]: 250 }, undefined, zone);
    const startMs = Date.parse(last) - 3_600_000;
    expect(await spendAt(tenant, startMs)).toBe(2);
    expect(await spendAt(tenant, Date.parse(last))).toBe(0);
    expect(await refusalOf(aCall(tenant, { nowMs: Date.parse(last) }))).toMatchObject({ retryAfterMs: 1 });
    expect(await spendAt(tenant, Date.parse(first))).toBe(2);
    expect((await readBook(database, tenant)).violations).toEqual([]);
  });

  test('begin with what was charged in their period before they were set', async () => {
    const tenant = await limitedTenant({});
    const spend = (body: string, startedAtMs: number, keyId: KeyId) =>
      ledger.settle(tenant, [aCharge(tenant, body, 100, { startedAtMs, endedAtMs: startedAtMs, keyId })]);
    await spend('before-midnight', Date.parse('2026-03-01T22:59:00Z'), KEY_A);
    await spend('after-midnight', Date.parse('2026-03-01T23:01:00Z'), KEY_A);
    await spend('today', NOON_MS, KEY_B);
    const open = aCall(tenant);
    await ledger.placeHold(open);
    const rules = { day: 1_000, month: 10_000 };
    await ledger.setLimits(tenant, { scope: 'tenant', rules, timeZone: 'Europe/Berlin', nowMs: NOON_MS });
    await ledger.setLimits(tenant, { scope: KEY_A, rules, nowMs: NOON_MS });
    const scopes = (await ledger.readAccount(tenant))?.limits?.scopes;
    expect(scopes?.['tenant']).toMatchObject({
      day: { at: { '2026-03-02': 200 } },
      month: { at: { '2026-03': 300 } },
    });
    expect(scopes?.[KEY_A]).toMatchObject({
      day: { at: { '2026-03-02': 100 } },
      month: { at: { '2026-03': 200 } },
    });
    // A call from before counts with its charge.
    await ledger.settle(tenant, [aCharge(tenant, 'open', 60, { holdId: open.holdId })]);
    expect((await ledger.readAccount(tenant))?.limits?.scopes['tenant']?.day?.at).toEqual({
      '2026-03-02': 260,
    });
    expect((await readBook(database, tenant)).violations).toEqual([]);
  });
});

test('many limited keys settle in one batch', async () => {
  const tenant = await limitedTenant({ requests: 1_000, tokens: 100_000, calls: 100, day: 1e9, month: 1e9 });
  const keys = Array.from({ length: 30 }, (_, n) => testId<KeyId>('key', `many-${n}`));
  const calls: PlaceHold[] = [];
  for (const scope of keys) {
    const rules = { requests: 10, tokens: 1_000, calls: 5, day: 1e9, month: 1e9 };
    await ledger.setLimits(tenant, { scope, rules, nowMs: NOON_MS });
    const call = aCall(tenant, { keyId: scope });
    expect(await ledger.placeHold(call)).toMatchObject({ ok: true });
    calls.push(call);
  }
  const charges = calls.map(({ keyId, holdId }, n) => aCharge(tenant, `many-${n}`, 5, { keyId, holdId }));
  expect(await ledger.settle(tenant, charges)).toEqual(
    charges.map(() => ({ outcome: 'settled', chargedMicro: 5, shortfallMicro: 0 })),
  );
  const limits = (await ledger.readAccount(tenant))?.limits;
  expect(limits?.scopes['tenant']).toMatchObject({ tokens: { sum: 900 }, calls: { sum: 0 } });
  expect((await readBook(database, tenant)).violations).toEqual([]);
});
