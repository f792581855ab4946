import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { reconcilePayment } from '#core/billing/reconcilePayment.ts';
import type { LedgerStep, ObservedPayment, PaymentRecord } from '#core/billing/types.ts';
import type { CheckoutId, TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { testId } from '#test/builders/ledger.ts';
import { aCheckout, aPayment } from '#test/builders/payments.ts';
import { runs } from '#test/builders/runs.ts';

const GRANTED = 50_000_000;
const TOTAL = 5_000;

/** What can happen to a payment after it succeeded. */
type Happening =
  | { readonly kind: 'refund'; readonly amount: number }
  | { readonly kind: 'dispute'; readonly id: string; readonly status: string };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({ kind: fc.constant('refund' as const), amount: fc.integer({ min: 1, max: 2_500 }) }),
  fc.record({
    kind: fc.constant('dispute' as const),
    id: fc.constantFrom('dp_1', 'dp_2'),
    status: fc.constantFrom('opened', 'challenged', 'won', 'cancelled', 'expired').map((s) => `dispute_${s}`),
  }),
);

/** The states that a payment goes through; a refund beyond what is left does not happen. */
function statesOf(happenings: readonly Happening[]): readonly ObservedPayment[] {
  const states = [aPayment({ status: 'processing' }), aPayment()];
  for (const [index, event] of happenings.entries()) {
    const before = states.at(-1) ?? aPayment();
    const refunded = before.refunds.reduce((sum, refund) => sum + (refund.amountMinor ?? 0), 0);
    if (event.kind === 'refund' && refunded + event.amount > TOTAL) continue;
    states.push(
      event.kind === 'refund'
        ? {
            ...before,
            isFullyRefunded: refunded + event.amount === TOTAL,
            // Ids that do not sort as they happened.
            refunds: [
              ...before.refunds,
              {
                id: `ref_${(index * 7) % 10}_${index}`,
                status: 'succeeded',
                amountMinor: event.amount,
                isPartial: true,
              },
            ],
          }
        : {
            ...before,
            disputes: [
              ...before.disputes.filter((dispute) => dispute.id !== event.id),
              { id: event.id, status: event.status },
            ],
          },
    );
  }
  return states;
}

/** Processes states one after the other, as messages would find them. */
const process = (states: readonly ObservedPayment[]): PaymentRecord | undefined =>
  states.reduce<PaymentRecord | undefined>(
    (record, payment) => reconcilePayment({ checkout: aCheckout(), record, payment, nowMs: 1 }),
    undefined,
  );

const sumOf = (steps: readonly LedgerStep[], kind: 'grant' | 'claw_back'): number =>
  steps.reduce((sum, step) => sum + (step.kind === kind ? step.amountMicro : 0), 0);

/** Disputes whose freeze stands at the end of the steps. */
function frozen(steps: readonly LedgerStep[]): readonly string[] {
  const standing = new Map<string, string>();
  for (const step of steps) {
    if (step.kind === 'grant' || step.source.kind !== 'dispute') continue;
    const [dispute = ''] = step.source.id.split('/');
    if (step.kind === 'freeze') standing.set(step.source.id, dispute);
    else standing.delete(step.source.id);
  }
  return [...standing.values()].sort();
}

const seenStates = fc.array(happening, { maxLength: 8 }).chain((happenings) => {
  const states = statesOf(happenings);
  const anyOf = fc.integer({ min: 0, max: states.length - 1 });
  return fc.array(anyOf, { maxLength: 12 }).map((indexes) => ({
    states,
    seen: indexes.toSorted((a, b) => a - b).map((at) => states[at] ?? aPayment()),
  }));
});

test.prop([seenStates], runs(300))(
  'whatever states were seen on the way, the last one decides what was granted, taken back and frozen',
  ({ states, seen }) => {
    const last = states.at(-1) ?? aPayment();
    const steps = process([...seen, last, last])?.steps ?? [];
    if (last.status !== 'succeeded') return expect(steps).toEqual([]);
    const refunded = last.refunds.reduce((sum, refund) => sum + (refund.amountMinor ?? 0), 0);
    expect(sumOf(steps, 'grant')).toBe(GRANTED);
    expect(sumOf(steps, 'claw_back')).toBe(Math.floor((GRANTED * refunded) / TOTAL));
    const open = ['dispute_opened', 'dispute_challenged', 'dispute_expired'];
    expect(frozen(steps)).toEqual(
      last.disputes
        .filter((dispute) => open.includes(dispute.status))
        .map((dispute) => dispute.id)
        .sort(),
    );
  },
);

test.prop([seenStates, fc.constantFrom('dispute_lost', 'dispute_accepted')], runs(200))(
  'a dispute that is lost takes back all that refunds left, and never more',
  ({ states, seen }, status) => {
    const before = states.at(-1) ?? aPayment();
    const lost = { ...before, status: 'succeeded', disputes: [...before.disputes, { id: 'dp_9', status }] };
    const record = process([...seen, lost, lost]);
    expect(sumOf(record?.steps ?? [], 'claw_back')).toBe(GRANTED);
    expect(record?.review).not.toContain('taken_back_too_much');
  },
);

test.prop([seenStates], runs(200))('every source makes a kind of step at most once', ({ states, seen }) => {
  const steps = process([...seen, states.at(-1) ?? aPayment()])?.steps ?? [];
  const keys = steps.map((step) => `${step.kind} ${step.kind === 'grant' ? '' : step.source.id}`);
  expect(new Set(keys).size).toBe(keys.length);
});

test.prop([seenStates], runs(50))(
  'what was granted to a tenant is taken back from it, whatever checkout the metadata names later',
  ({ states, seen }) => {
    const record = process([...seen, aPayment()]);
    const other = aCheckout({
      id: testId<CheckoutId>('checkout', '2'),
      tenantId: testId<TenantId>('tenant', '2'),
    });
    const payment = states.at(-1) ?? aPayment();
    const after = reconcilePayment({ checkout: other, record, payment, nowMs: 2 });
    expect(after).toMatchObject({ tenantId: aCheckout().tenantId, checkoutId: aCheckout().id });
    const gone = reconcilePayment({ checkout: undefined, record, payment, nowMs: 2 });
    expect(gone).toMatchObject({ tenantId: aCheckout().tenantId });
  },
);

test.prop([seenStates], runs(100))('seeing a state again changes nothing', ({ states, seen }) => {
  const record = process([...seen, states.at(-1) ?? aPayment()]);
  const payment = states.at(-1) ?? aPayment();
  expect(reconcilePayment({ checkout: aCheckout(), record, payment, nowMs: 2 })).toBe(record);
});

test.prop([
  fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 10 }),
  fc.integer({ min: 1, max: 9_000_000_000_000 }),
])('refunds in any parts of any total take back exactly the grant', (parts, creditsMicro) => {
  const total = parts.reduce((sum, part) => sum + part, 0);
  const checkout = aCheckout({
    pack: { ...aCheckout().pack, priceMinor: total, creditsMicro: micro(creditsMicro) },
  });
  let record: PaymentRecord | undefined;
  const refunds: ObservedPayment['refunds'][number][] = [];
  for (const [index, amountMinor] of parts.entries()) {
    refunds.push({ id: `ref_${index}`, status: 'succeeded', amountMinor, isPartial: true });
    const payment = aPayment({ totalMinor: total, refunds: [...refunds] });
    record = reconcilePayment({ checkout, record, payment, nowMs: 1 });
  }
  expect(sumOf(record?.steps ?? [], 'claw_back')).toBe(creditsMicro);
});
