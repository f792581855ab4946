import type { GrantId } from '#core/shared/ids.ts';
import { parseId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import type { Checkout, LedgerStep, NoGrantReason, ObservedPayment } from './types.ts';

type GrantStep = Extract<LedgerStep, { kind: 'grant' }>;

export type GrantDecision =
  | { readonly outcome: 'granted'; readonly step: GrantStep }
  | { readonly outcome: 'waiting' | 'ignored' | 'unmatched'; readonly reason: NoGrantReason };

const MS_PER_DAY = 86_400_000;

/** Statuses that may still become `succeeded`, or have ended without it. */
const KNOWN_STATUSES = new Set([
  'succeeded',
  'failed',
  'cancelled',
  'processing',
  'requires_customer_action',
  'requires_merchant_action',
  'requires_payment_method',
  'requires_confirmation',
  'requires_capture',
  'partially_captured',
  'partially_captured_and_capturable',
]);

/**
 * Whether a payment buys credits, and how many. Only what we offered counts: tenant, amount of credits and expiry
 * come from our checkout record, and the payment must fit that offer in customer, session, product, quantity,
 * currency and amount.
 */
export function decideGrant(checkout: Checkout | undefined, payment: ObservedPayment): GrantDecision {
  if (payment.status !== 'succeeded') {
    const known = payment.status === null || KNOWN_STATUSES.has(payment.status);
    return { outcome: 'waiting', reason: known ? 'not_succeeded' : 'unknown_status' };
  }
  if (payment.isUpdatePaymentMethod) return { outcome: 'ignored', reason: 'update_payment_method' };
  const mandateId = checkout?.mandateId ?? null;
  if (payment.subscriptionId !== null && mandateId === null)
    return { outcome: 'ignored', reason: 'subscription_payment' };
  if (payment.totalMinor <= 0) return { outcome: 'ignored', reason: 'nothing_paid' };
  if (checkout === undefined) return { outcome: 'unmatched', reason: 'unknown_checkout' };
  const reason = mismatch(checkout, payment);
  if (reason !== undefined) return { outcome: 'unmatched', reason };
  const grantId = grantIdOf(payment.id);
  if (grantId === undefined) return { outcome: 'unmatched', reason: 'unusable_payment_id' };
  return { outcome: 'granted', step: grantStep(checkout, payment, grantId) };
}

function mismatch(checkout: Checkout, payment: ObservedPayment): NoGrantReason | undefined {
  const { pack, quantity } = checkout;
  if (payment.customerId !== checkout.customerId) return 'customer_mismatch';
  const reason =
    checkout.mandateId === null ? notThatSession(checkout, payment) : notThatMandate(checkout, payment);
  if (reason !== undefined) return reason;
  if (payment.currency !== pack.currency) return 'currency_mismatch';
  const price = pack.priceMinor * quantity;
  // A product's price may or may not contain the tax, which depends on how it is set up at Dodo.
  const paid = [payment.totalMinor, payment.totalMinor - payment.taxMinor];
  return paid.includes(price) ? undefined : 'amount_mismatch';
}

function notThatSession(
  { pack, quantity, session }: Checkout,
  payment: ObservedPayment,
): NoGrantReason | undefined {
  // Without a session of ours (we stopped between Dodo's answer and its writing) the rest must still fit.
  if (session !== null && payment.sessionId !== session.id) return 'session_mismatch';
  const [line, ...others] = payment.cart;
  if (line === undefined || others.length > 0) return 'product_mismatch';
  if (line.productId !== pack.productId || line.quantity !== quantity) return 'product_mismatch';
  return undefined;
}

/** A charge of a payment method names no product of ours: the method itself is what ties it to the offer. */
const notThatMandate = ({ mandateId }: Checkout, payment: ObservedPayment): NoGrantReason | undefined =>
  payment.subscriptionId === mandateId ? undefined : 'mandate_mismatch';

function grantStep({ pack, quantity }: Checkout, payment: ObservedPayment, grantId: GrantId): GrantStep {
  return {
    kind: 'grant',
    grantId,
    amountMicro: micro(pack.creditsMicro * quantity),
    expiresAtMs:
      pack.expiresAfterDays === null ? null : payment.createdAtMs + pack.expiresAfterDays * MS_PER_DAY,
    reason: `bought ${quantity} × ${pack.name}`,
    atMs: payment.createdAtMs,
  };
}

/** One payment has one grant id, always the same: `pay_1a` → `gra_pay-5f1a`. Undefined when it would be too long. */
function grantIdOf(paymentId: string): GrantId | undefined {
  const body = paymentId.replace(/[^A-Za-z0-9]/gu, (char) => `-${char.codePointAt(0)?.toString(16)}`);
  return parseId<GrantId>('grant', `gra_${body}`);
}
