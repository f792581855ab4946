import { expect, test } from 'vitest';
import { emptyAccount, give } from '#core/ledger/account.ts';
import { endHolds, placeHold } from '#core/ledger/holds.ts';
import { rollUp } from '#core/ledger/rollup.ts';
import { settleCharges } from '#core/ledger/settle.ts';
import type { Account } from '#core/ledger/types.ts';
import type { GrantId, HoldId, TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { aCharge, aHold, NOON_MS, testId } from '#test/builders/ledger.ts';

const tenant = testId<TenantId>('tenant', 'one');

/** An account with credits and one open hold of 100. */
function inFlight(credits: number, overdraft = 0): Account {
  const account = emptyAccount(tenant, micro(overdraft));
  const paid = give(account, micro(credits), { id: testId<GrantId>('grant', 'a'), kind: 'pack' });
  const held = placeHold(paid, aHold(tenant, 'call'));
  if (!held.ok) throw new Error(held.error.code);
  return held.value;
}

const balance = ({ availableMicro, heldMicro }: Account) => [availableMicro, heldMicro];
const expired = (account: Account) => endHolds(account, [testId<HoldId>('hold', 'call')]);

test('a charge below the hold returns the rest', () => {
  const { account, outcomes } = settleCharges(inFlight(100), [aCharge(tenant, 'call', 30)]);
  expect(outcomes).toEqual([{ outcome: 'settled', chargedMicro: 30, shortfallMicro: 0 }]);
  expect(balance(account)).toEqual([70, 0]);
});

test('a charge above the hold takes the rest from what is available', () => {
  const { account, outcomes, guard } = settleCharges(inFlight(150), [aCharge(tenant, 'call', 120)]);
  expect(outcomes).toEqual([{ outcome: 'settled', chargedMicro: 120, shortfallMicro: 0 }]);
  expect(balance(account)).toEqual([30, 0]);
  expect(guard).toEqual({ kind: 'at_least', amountMicro: 20 });
});

test('a charge above all there is leaves a shortfall and no debt', () => {
  const { account, outcomes, guard } = settleCharges(inFlight(110), [aCharge(tenant, 'call', 130)]);
  expect(outcomes).toEqual([{ outcome: 'settled', chargedMicro: 110, shortfallMicro: 20 }]);
  expect([...balance(account), account.debtMicro]).toEqual([0, 0, 0]);
  expect(guard).toEqual({ kind: 'exactly', amountMicro: 10 });
});

test('an overdraft limit lets a settlement go that far below zero and no further', () => {
  const { account, outcomes } = settleCharges(inFlight(110, 15), [aCharge(tenant, 'call', 130)]);
  expect(outcomes).toEqual([{ outcome: 'settled', chargedMicro: 125, shortfallMicro: 5 }]);
  expect([...balance(account), account.debtMicro]).toEqual([-15, 0, 15]);
});

test('a charge whose hold expired takes only what is available', () => {
  const { outcomes } = settleCharges(expired(inFlight(100)), [aCharge(tenant, 'call', 130)]);
  expect(outcomes).toEqual([{ outcome: 'settled', chargedMicro: 100, shortfallMicro: 30 }]);
});

test('what a hold set aside pays for its call even when a claw-back brought the account below zero', () => {
  const before: Account = { ...inFlight(100), availableMicro: micro(-80), debtMicro: micro(0) };
  const { account, outcomes } = settleCharges(before, [aCharge(tenant, 'call', 100)]);
  expect(outcomes).toEqual([{ outcome: 'settled', chargedMicro: 100, shortfallMicro: 0 }]);
  expect(balance(account)).toEqual([-80, 0]);
});

test('a call that the engine failed makes an entry of nothing and counts as failed', () => {
  const { account, entries } = settleCharges(inFlight(100), [
    aCharge(tenant, 'call', 0, { status: 'engine_failed' }),
  ]);
  expect(balance(account)).toEqual([100, 0]);
  expect(entries.map((entry) => entry.amountMicro)).toEqual([0]);
  expect(rollUp(entries)).toMatchObject([{ calls: 1, failedCalls: 1, costMicro: 0 }]);
});

test('usage is summed by the UTC day on which the call began, by key and by model', () => {
  const { entries } = settleCharges(inFlight(1_000), [
    aCharge(tenant, 'a', 10),
    aCharge(tenant, 'b', 20),
    aCharge(tenant, 'c', 30, { model: 'sales' }),
    aCharge(tenant, 'd', 40, { startedAtMs: NOON_MS + 12 * 3_600_000 }),
  ]);
  expect(rollUp(entries).map(({ day, model, calls, costMicro }) => [day, model, calls, costMicro])).toEqual([
    ['2026-03-02', 'support', 2, 30],
    ['2026-03-02', 'sales', 1, 30],
    ['2026-03-03', 'support', 1, 40],
  ]);
});
