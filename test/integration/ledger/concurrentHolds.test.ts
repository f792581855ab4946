import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TenantId } from '#core/shared/ids.ts';
import { micro, ZERO } from '#core/shared/money.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { startTestDatabase, type TestDatabase } from '#test/builders/database.ts';
import { aCharge, aGrant, aHold, NOON_MS, testId } from '#test/builders/ledger.ts';

const CALLS = 300;
const PAID_FOR = 40;

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase({ onFile: true });
});
afterAll(() => database.stop());

const newLedger = () => makeLedgerStore(database.client, `${database.prefix}ledger`);

test.each([1, 2, 3])(
  `${CALLS} concurrent calls against credits for ${PAID_FOR} place exactly ${PAID_FOR} holds, round %i`,
  async (round) => {
    const tenant = testId<TenantId>('tenant', `round-${round}`);
    const writers = [newLedger(), newLedger(), newLedger()];
    const ledger = newLedger();
    await ledger.openAccount(tenant, ZERO);
    await ledger.grant(aGrant(tenant, 'one', { amountMicro: micro(PAID_FOR * 100) }));
    const placed = await Promise.all(
      Array.from({ length: CALLS }, (_, n) =>
        (writers[n % writers.length] ?? ledger).placeHold(aHold(tenant, `call-${n}`)),
      ),
    );
    const allowed = placed.flatMap((outcome, n) => (outcome.ok ? [n] : []));
    expect(allowed).toHaveLength(PAID_FOR);
    expect(placed.flatMap((o) => (o.ok ? [] : [o.error.code]))).toEqual(
      Array(CALLS - PAID_FOR).fill('insufficient_credits'),
    );
    await Promise.all(
      allowed.map((n, index) =>
        (writers[index % writers.length] ?? ledger).settle(tenant, [aCharge(tenant, `call-${n}`, 100)]),
      ),
    );
    expect(await ledger.readAccount(tenant)).toMatchObject({
      availableMicro: 0,
      heldMicro: 0,
      debtMicro: 0,
      holds: {},
      grants: {},
    });
  },
);

test('settlements, holds and voids of one tenant at once lose nothing and repeat nothing', async () => {
  const tenant = testId<TenantId>('tenant', 'mixed');
  const [a, b] = [newLedger(), newLedger()];
  await a.openAccount(tenant, ZERO);
  await a.grant(aGrant(tenant, 'one', { amountMicro: micro(100_000) }));
  await Promise.all(Array.from({ length: 60 }, (_, n) => a.placeHold(aHold(tenant, `n${n}`))));
  await Promise.all([
    ...Array.from({ length: 40 }, (_, n) =>
      (n % 2 ? a : b).settle(tenant, [aCharge(tenant, `n${n}`, 70), aCharge(tenant, `n${(n + 1) % 40}`, 70)]),
    ),
    ...Array.from({ length: 20 }, (_, n) => b.voidHold(tenant, aHold(tenant, `n${40 + n}`).holdId)),
    ...Array.from({ length: 20 }, (_, n) => b.placeHold(aHold(tenant, `more${n}`))),
    a.grant(aGrant(tenant, 'two', { amountMicro: micro(5), nowMs: NOON_MS + 1 })),
  ]);
  const account = await a.readAccount(tenant);
  expect([account?.availableMicro, account?.heldMicro]).toEqual([100_005 - 40 * 70 - 20 * 100, 2_000]);
});
