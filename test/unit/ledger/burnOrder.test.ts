import { expect, test } from 'vitest';
import {
  emptyAccount,
  give,
  inBurnOrder,
  nextGrantExpiryMs,
  overageLeft,
  take,
} from '#core/ledger/account.ts';
import type { Account, GrantKind } from '#core/ledger/types.ts';
import type { GrantId, TenantId } from '#core/shared/ids.ts';
import { micro, ZERO } from '#core/shared/money.ts';
import { testId } from '#test/builders/ledger.ts';

const empty = emptyAccount(testId<TenantId>('tenant', 'one'), ZERO);

const grant = (body: string, kind: GrantKind, expiresAtMs?: number) => ({
  id: testId<GrantId>('grant', body),
  kind,
  ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
});

const holding = (...grants: readonly ReturnType<typeof grant>[]): Account =>
  grants.reduce((account, one) => give(account, micro(100), one), empty);

const order = (account: Account) => inBurnOrder(account).map((one) => one.id);

test('what is included burns first, then what is free, then packs by expiry, and overage last', () => {
  const account = holding(
    grant('overage', 'overage', 5),
    grant('never', 'pack'),
    grant('late', 'pack', 30),
    grant('soon', 'pack', 10),
    grant('free', 'free', 40),
    grant('included', 'included', 50),
  );
  expect(order(account)).toEqual([
    'gra_included',
    'gra_free',
    'gra_soon',
    'gra_late',
    'gra_never',
    'gra_overage',
  ]);
  expect(nextGrantExpiryMs(account)).toBe(5);
});

test('of the included ones, and of bought and adjusted credits, the soonest to expire burns first', () => {
  expect(order(holding(grant('b', 'included', 10), grant('a', 'included', 20)))).toEqual(['gra_b', 'gra_a']);
  expect(order(holding(grant('b', 'adjustment', 20), grant('a', 'pack', 10)))).toEqual(['gra_a', 'gra_b']);
});

test('at the same expiry given credits burn before bought ones', () => {
  const account = holding(
    grant('a', 'pack'),
    grant('b', 'adjustment'),
    grant('c', 'free'),
    grant('d', 'included'),
  );
  expect(order(account)).toEqual(['gra_d', 'gra_c', 'gra_b', 'gra_a']);
});

test('grants that are alike burn by id, whatever order they came in', () => {
  expect(order(holding(grant('b', 'pack'), grant('a', 'pack')))).toEqual(['gra_a', 'gra_b']);
  expect(order(holding(grant('a', 'pack'), grant('b', 'pack')))).toEqual(['gra_a', 'gra_b']);
});

test('a charge burns through grants and closes those that are empty', () => {
  const after = take(holding(grant('a', 'pack', 10), grant('b', 'pack')), micro(130));
  expect(Object.values(after.grants).map((one) => [one.id, one.remainingMicro])).toEqual([['gra_b', 70]]);
  expect([after.availableMicro, after.debtMicro]).toEqual([70, 0]);
});

test('what no grant covers is debt, and the next credits pay it before they can be burnt', () => {
  const owing = take(holding(grant('a', 'pack')), micro(130));
  expect([owing.availableMicro, owing.debtMicro, owing.grants]).toEqual([-30, 30, {}]);
  const paid = give(owing, micro(100), grant('b', 'pack'));
  expect([paid.availableMicro, paid.debtMicro]).toEqual([70, 0]);
  expect(Object.values(paid.grants).map((one) => one.remainingMicro)).toEqual([70]);
});

test('overage pays no debt: nobody used it', () => {
  const owing = give(take(empty, micro(30)), micro(100), grant('line', 'overage'));
  expect([owing.availableMicro, owing.debtMicro, overageLeft(owing)]).toEqual([70, 30, 100]);
});
