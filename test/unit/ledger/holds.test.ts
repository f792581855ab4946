import { expect, test } from 'vitest';
import { emptyAccount, give } from '#core/ledger/account.ts';
import { expireGrants } from '#core/ledger/expire.ts';
import { placeHold } from '#core/ledger/holds.ts';
import { MAX_OPEN_HOLDS } from '#core/ledger/limits.ts';
import type { Account, GrantRecord } from '#core/ledger/types.ts';
import type { GrantId, TenantId } from '#core/shared/ids.ts';
import { micro, ZERO } from '#core/shared/money.ts';
import { aHold, NOON_MS, testId } from '#test/builders/ledger.ts';

const tenant = testId<TenantId>('tenant', 'one');
const grantId = testId<GrantId>('grant', 'a');

const withCredits = (amount: number, expiresAtMs?: number): Account =>
  give(emptyAccount(tenant, ZERO), micro(amount), {
    id: grantId,
    kind: 'pack',
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  });

function afterHolds(account: Account, count: number, expiresAtMs = NOON_MS + 60_000): Account {
  let after = account;
  for (let n = 0; n < count; n++) {
    const placed = placeHold(after, aHold(tenant, `n${n}`, { amountMicro: micro(1), expiresAtMs }));
    if (!placed.ok) throw new Error(placed.error.code);
    after = placed.value;
  }
  return after;
}

const codeOf = (account: Account, over: Parameters<typeof aHold>[2] = {}) => {
  const placed = placeHold(account, aHold(tenant, 'next', over));
  return placed.ok ? 'placed' : placed.error.code;
};

test('credits are enough when they are exactly enough', () => {
  expect(codeOf(withCredits(100))).toBe('placed');
  expect(codeOf(withCredits(99))).toBe('insufficient_credits');
});

test('a hold of nothing needs no credits, but an account in debt refuses it', () => {
  expect(codeOf(emptyAccount(tenant, ZERO), { amountMicro: ZERO })).toBe('placed');
  const owing = { ...emptyAccount(tenant, ZERO), availableMicro: micro(-1), debtMicro: micro(1) };
  expect(codeOf(owing, { amountMicro: ZERO })).toBe('insufficient_credits');
});

test('the account takes a limited number of open holds', () => {
  const full = afterHolds(withCredits(10_000), MAX_OPEN_HOLDS);
  expect(codeOf(full)).toBe('too_many_holds');
});

test('asks for a sweep when expired holds or credits stand in the way', () => {
  expect(codeOf(afterHolds(withCredits(150), 100, NOON_MS))).toBe('sweep_due');
  expect(codeOf(afterHolds(withCredits(10_000), MAX_OPEN_HOLDS, NOON_MS))).toBe('sweep_due');
  expect(codeOf(withCredits(100, NOON_MS))).toBe('sweep_due');
  expect(codeOf(withCredits(100, NOON_MS + 1))).toBe('placed');
});

test('credits under a hold expire only when the hold has ended', () => {
  const record: GrantRecord = {
    id: grantId,
    kind: 'pack',
    amountMicro: micro(100),
    expiresAtMs: NOON_MS,
    takenBackMicro: ZERO,
    frozenMicro: ZERO,
    frozenBy: [],
  };
  const account = afterHolds(withCredits(100, NOON_MS + 1), 30);
  const change = expireGrants(account, new Map([[grantId, record]]), NOON_MS + 1);
  expect(change?.entries.map((entry) => entry.amountMicro)).toEqual([-70]);
  expect(change?.account).toMatchObject({ availableMicro: 0, heldMicro: 30 });
  expect(change?.grants).toMatchObject([{ takenBackMicro: 70 }]);
});
