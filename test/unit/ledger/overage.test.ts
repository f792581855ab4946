import { expect, test } from 'vitest';
import { emptyAccount, give, overageLeft } from '#core/ledger/account.ts';
import { applyClawBack, applyDebit, applyGrant, type Book } from '#core/ledger/apply.ts';
import { expireGrants } from '#core/ledger/expire.ts';
import { settleCharges } from '#core/ledger/settle.ts';
import type { GrantRecord } from '#core/ledger/types.ts';
import type { GrantId, TenantId } from '#core/shared/ids.ts';
import { micro, ZERO } from '#core/shared/money.ts';
import { aCharge, aGrant, NOON_MS, testId } from '#test/builders/ledger.ts';

const tenant = testId<TenantId>('tenant', 'one');
const PACK = testId<GrantId>('grant', 'pack');

/** An account with a pack of 100 and a line of overage of 50. */
const account = give(give(emptyAccount(tenant, ZERO), micro(100), { id: PACK, kind: 'pack' }), micro(50), {
  id: testId<GrantId>('grant', 'line'),
  kind: 'overage',
  expiresAtMs: NOON_MS + 1_000,
});

const recordOf = (grant: { readonly id: GrantId; readonly kind: GrantRecord['kind'] }, amount: number) => ({
  ...grant,
  amountMicro: micro(amount),
  takenBackMicro: ZERO,
  frozenMicro: ZERO,
  frozenBy: [],
});
const book = (over: Partial<Book> = {}): Book => ({ account, grant: undefined, made: new Set(), ...over });
const source = { kind: 'admin', id: 'x' } as const;
const about = { tenantId: tenant, source, reason: 'a test', actor: 'ann', nowMs: NOON_MS };

test('a charge says how much of it was beyond everything prepaid', () => {
  const { entries, account: after } = settleCharges(account, [
    aCharge(tenant, 'a', 80),
    aCharge(tenant, 'b', 30),
    aCharge(tenant, 'c', 5),
  ]);
  expect(entries.map((entry) => entry.overageMicro)).toEqual([undefined, 10, 5]);
  expect(overageLeft(after)).toBe(35);
});

test('charges end where the overage ends: nothing is owed beyond it', () => {
  const { entries, outcomes } = settleCharges(account, [aCharge(tenant, 'a', 170)]);
  expect(outcomes).toMatchObject([{ chargedMicro: 150, shortfallMicro: 20 }]);
  expect(entries).toMatchObject([{ overageMicro: 50, shortfallMicro: 20 }]);
});

test('the agency takes what is prepaid and never overage', () => {
  expect(applyDebit(book(), { ...about, amountMicro: micro(101) })).toMatchObject({
    error: { code: 'insufficient_credits' },
  });
  const taken = applyDebit(book(), { ...about, amountMicro: micro(100) });
  expect(taken).toMatchObject({
    value: { account: { availableMicro: 50 }, guard: { kind: 'at_least', amountMicro: 150 } },
  });
});

test('a refund of spent credits is owed, not turned into overage', () => {
  const spent = settleCharges(account, [aCharge(tenant, 'a', 60)]).account;
  const refunded = applyClawBack(book({ account: spent, grant: recordOf({ id: PACK, kind: 'pack' }, 100) }), {
    ...about,
    grantId: PACK,
    amountMicro: micro(100),
  });
  if (!refunded.ok) throw new Error(refunded.error.code);
  const owing = refunded.value.account;
  expect([owing.availableMicro, owing.debtMicro, overageLeft(owing)]).toEqual([-10, 60, 50]);
  const paid = applyGrant(book({ account: owing }), { ...aGrant(tenant, 'next'), amountMicro: micro(200) });
  expect(paid).toMatchObject({ value: { account: { availableMicro: 190, debtMicro: 0 } } });
});

test('what is left of the overage goes at its end, with an entry that names it', () => {
  const line = testId<GrantId>('grant', 'line');
  const change = expireGrants(
    account,
    new Map([[line, recordOf({ id: line, kind: 'overage' }, 50)]]),
    NOON_MS + 1_000,
  );
  expect(change?.entries).toMatchObject([
    { kind: 'expiry', amountMicro: -50, source: { kind: 'overage_expiry' } },
  ]);
  expect(change?.account).toMatchObject({ availableMicro: 100 });
});
