import { expect, test } from 'vitest';
import { decideGrant } from '#core/billing/decideGrant.ts';
import type { ObservedPayment } from '#core/billing/types.ts';
import { aCheckout, aPayment } from '#test/builders/payments.ts';

test('a payment that fits our offer buys what we offered, with an expiry counted from the payment', () => {
  expect(decideGrant(aCheckout(), aPayment())).toEqual({
    outcome: 'granted',
    step: {
      kind: 'grant',
      grantId: 'gra_pay-5f1',
      amountMicro: 50_000_000,
      expiresAtMs: aPayment().createdAtMs + 365 * 86_400_000,
      reason: 'bought 1 × 50 credits',
      atMs: aPayment().createdAtMs,
    },
  });
});

const CASES: readonly [string, string, Partial<ObservedPayment>][] = [
  ['waiting', 'not_succeeded', { status: 'processing' }],
  ['waiting', 'not_succeeded', { status: 'failed' }],
  ['waiting', 'not_succeeded', { status: null }],
  ['waiting', 'unknown_status', { status: 'teleported' }],
  ['ignored', 'update_payment_method', { isUpdatePaymentMethod: true }],
  ['ignored', 'subscription_payment', { subscriptionId: 'sub_1' }],
  ['ignored', 'nothing_paid', { totalMinor: 0 }],
  ['unmatched', 'customer_mismatch', { customerId: 'cus_2' }],
  ['unmatched', 'session_mismatch', { sessionId: 'cks_2' }],
  ['unmatched', 'session_mismatch', { sessionId: null }],
  ['unmatched', 'product_mismatch', { cart: [] }],
  ['unmatched', 'product_mismatch', { cart: [{ productId: 'pdt_1', quantity: 1 }] }],
  ['unmatched', 'product_mismatch', { cart: [{ productId: 'pdt_50', quantity: 2 }] }],
  [
    'unmatched',
    'product_mismatch',
    {
      cart: [
        { productId: 'pdt_50', quantity: 1 },
        { productId: 'pdt_50', quantity: 1 },
      ],
    },
  ],
  ['unmatched', 'currency_mismatch', { currency: 'INR' }],
  ['unmatched', 'amount_mismatch', { totalMinor: 50 }],
  ['unmatched', 'amount_mismatch', { totalMinor: 9000 }],
  ['unmatched', 'unusable_payment_id', { id: `pay_${'x'.repeat(80)}` }],
];

test.each(CASES)('is %s for %s: %o', (outcome, reason, over) => {
  expect(decideGrant(aCheckout(), aPayment(over))).toEqual({ outcome, reason });
});

test('without a checkout of ours nothing is granted', () => {
  expect(decideGrant(undefined, aPayment())).toEqual({ outcome: 'unmatched', reason: 'unknown_checkout' });
});

test('a price with tax on top and a price that contains it both fit', () => {
  for (const over of [
    { totalMinor: 5950, taxMinor: 950 },
    { totalMinor: 5000, taxMinor: 798 },
  ]) {
    expect(decideGrant(aCheckout(), aPayment(over)).outcome).toBe('granted');
  }
});

test('two payment ids never share a grant id', () => {
  const ids = ['pay_1', 'pay-1', 'pay-5f1', 'pay1', 'pay__1'].map((id) => {
    const decision = decideGrant(aCheckout(), aPayment({ id }));
    return decision.outcome === 'granted' ? decision.step.grantId : '';
  });
  expect(new Set(ids).size).toBe(ids.length);
});
