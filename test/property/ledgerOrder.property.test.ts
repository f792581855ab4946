import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import type { GrantId, TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { aGrant, NOON_MS, testId } from '#test/builders/ledger.ts';
import { emptyBook, type ModelBook, type Operation, stepsOf } from '#test/builders/ledgerModel.ts';
import { runs } from '#test/builders/runs.ts';

const tenant = testId<TenantId>('tenant', 'one');
const grantId = testId<GrantId>('grant', 'bought');
/** More deliveries than any event needs once those that it waits for have come. */
const MAX_ROUNDS = 6;

const about = (kind: 'refund' | 'dispute', id: string) => ({
  tenantId: tenant,
  grantId,
  source: { kind, id },
  reason: 'a test',
  actor: 'dodo',
  nowMs: NOON_MS,
});

const bought: Operation = {
  op: 'grant',
  input: aGrant(tenant, 'bought', { grantId, amountMicro: micro(100) }),
};
const freeze = (id: string): Operation => ({ op: 'freeze', input: about('dispute', id) });
const won = (id: string): Operation => ({ op: 'release', input: about('dispute', id) });
const takenBack = (kind: 'refund' | 'dispute', id: string, amount: number): Operation => ({
  op: 'clawBack',
  input: { ...about(kind, id), amountMicro: micro(amount) },
});

/** All that happens to one payment: refunds, and disputes that end one way or the other. */
const life: fc.Arbitrary<readonly Operation[]> = fc
  .record({
    refunds: fc.array(fc.integer({ min: 1, max: 100 }), { maxLength: 2 }),
    disputes: fc.array(fc.option(fc.integer({ min: 1, max: 100 })), { maxLength: 2 }),
  })
  .map(({ refunds, disputes }) => [
    bought,
    ...refunds.map((amount, n) => takenBack('refund', `r${n}`, amount)),
    ...disputes.flatMap((lost, n) => [
      freeze(`d${n}`),
      lost === null ? won(`d${n}`) : takenBack('dispute', `d${n}`, lost),
    ]),
  ]);

/** Delivers events in an order, each as often as it is refused for coming too early. */
function deliver(events: readonly Operation[]): ModelBook {
  let book = emptyBook(tenant);
  let pending = events;
  for (let round = 0; round < MAX_ROUNDS && pending.length > 0; round++) {
    pending = pending.filter((event) => {
      const result = stepsOf(event)(book);
      book = result.book;
      return 'outcome' in result && result.outcome === 'grant_not_found';
    });
  }
  return book;
}

const balance = ({ account }: ModelBook): number => account.availableMicro + account.heldMicro;

test.prop([life.chain((events) => fc.tuple(order(events), order(events)))], runs(1_000))(
  'what happens to a payment ends in the same balance in every order and with every repeat',
  ([left, right]) => {
    expect(balance(deliver(left))).toBe(balance(deliver(right)));
  },
);

/** The events shuffled, some of them twice. */
function order(events: readonly Operation[]): fc.Arbitrary<readonly Operation[]> {
  return fc
    .subarray([...events])
    .chain((again) =>
      fc.shuffledSubarray([...events, ...again], { minLength: events.length + again.length }),
    );
}
