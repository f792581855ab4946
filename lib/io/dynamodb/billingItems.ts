import * as z from 'zod/mini';
import type { Checkout, PaymentRecord, WebhookRecord } from '#core/billing/types.ts';
import { idSchema } from '#core/shared/idSchema.ts';
import type { CheckoutId, GrantId, TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';

/**
 * How the billing table lies:
 * - `checkout#<id>` / `checkout`, and `key#<tenant>#<idempotency key>` / `key` that names the checkout it made.
 * - `payment#<id>` / `payment`; listed by the index under `payments#attention` or `payments#settled`, by time.
 * - `webhook#<id>` / `webhook`: the raw event, and when it was handed on.
 */
export const checkoutKey = (id: CheckoutId) => ({ pk: `checkout#${id}`, sk: 'checkout' });
export const idempotencyKey = (tenantId: TenantId, key: string) => ({
  pk: `key#${tenantId}#${key}`,
  sk: 'key',
});
export const paymentKey = (id: string) => ({ pk: `payment#${id}`, sk: 'payment' });
export const webhookKey = (id: string) => ({ pk: `webhook#${id}`, sk: 'webhook' });

export const paymentList = (needsAttention: boolean) =>
  `payments#${needsAttention ? 'attention' : 'settled'}`;
const MS_DIGITS = 15;
/** Before every payment of that moment and later. */
export const paymentsFrom = (atMs: number): string => `${String(atMs).padStart(MS_DIGITS, '0')}#`;
export const paymentPosition = (record: PaymentRecord) => `${paymentsFrom(record.createdAtMs)}${record.id}`;

export const checkoutItem = (checkout: Checkout) => ({ ...checkoutKey(checkout.id), ...checkout });
export const webhookItem = (webhook: WebhookRecord) => ({ ...webhookKey(webhook.id), ...webhook });
export const paymentItem = (record: PaymentRecord) => ({
  ...paymentKey(record.id),
  listPk: paymentList(record.outcome === 'unmatched' || record.review.length > 0),
  listSk: paymentPosition(record),
  ...record,
});

const tenantId = idSchema<TenantId>('tenant');
const checkoutId = idSchema<CheckoutId>('checkout');
const amount = z.pipe(z.int(), z.transform(micro));
const text = z.string();

/** A pack as it was when it was offered. */
export const Pack = z.object({
  id: text,
  name: text,
  productId: text,
  priceMinor: z.int(),
  currency: text,
  creditsMicro: amount,
  expiresAfterDays: z.nullable(z.int()),
  note: z.nullable(text),
});

const CheckoutItem = z.object({
  id: checkoutId,
  tenantId,
  customerId: text,
  pack: Pack,
  quantity: z.int(),
  returnUrl: z.nullable(text),
  idempotencyKey: z.nullable(text),
  createdAtMs: z.int(),
  session: z.nullable(z.object({ id: text, url: text })),
  // Checkouts of before refills have none.
  mandateId: z._default(z.nullable(text), null),
  paymentId: z.nullable(text),
});

const step = { reason: text, atMs: z.int() };
const disputeSource = z.object({ kind: z.literal('dispute'), id: text });
const Step = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('grant'),
    grantId: idSchema<GrantId>('grant'),
    amountMicro: amount,
    expiresAtMs: z.nullable(z.int()),
    ...step,
  }),
  z.object({
    kind: z.literal('claw_back'),
    source: z.object({ kind: z.enum(['refund', 'dispute']), id: text }),
    amountMicro: amount,
    ...step,
  }),
  z.object({ kind: z.enum(['freeze', 'release']), source: disputeSource, ...step }),
]);

const PaymentItem = z.object({
  id: text,
  version: z.int(),
  tenantId: z.nullable(tenantId),
  checkoutId: z.nullable(checkoutId),
  subscriptionId: z._default(z.nullable(text), null),
  outcome: z.enum(['waiting', 'ignored', 'unmatched', 'granted']),
  reason: z.nullable(
    z.enum([
      'not_succeeded',
      'unknown_status',
      'update_payment_method',
      'subscription_payment',
      'nothing_paid',
      'unknown_checkout',
      'customer_mismatch',
      'session_mismatch',
      'mandate_mismatch',
      'product_mismatch',
      'currency_mismatch',
      'amount_mismatch',
      'unusable_payment_id',
    ]),
  ),
  review: z.array(
    z.enum(['dispute_expired', 'unknown_dispute_status', 'refund_amount_unknown', 'taken_back_too_much']),
  ),
  status: z.nullable(text),
  totalMinor: z.int(),
  currency: text,
  refundedMinor: z.int(),
  disputeStatuses: z.array(text),
  steps: z.array(Step),
  appliedSteps: z.int(),
  createdAtMs: z.int(),
});

// An item that does not parse was written by something else than us: that is a bug, so these throw.
export const toCheckout = (item: unknown): Checkout => z.parse(CheckoutItem, item);
export const toPayment = (item: unknown): PaymentRecord => z.parse(PaymentItem, item);
