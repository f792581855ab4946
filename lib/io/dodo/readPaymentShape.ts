import * as z from 'zod/mini';
import type { ObservedPayment } from '#core/billing/types.ts';
import type { CheckoutId } from '#core/shared/ids.ts';
import { parseId } from '#core/shared/ids.ts';

const optionalText = z.nullish(z.string());

const PaymentShape = z.object({
  payment_id: z.string(),
  status: optionalText,
  total_amount: z.int(),
  tax: z.nullish(z.int()),
  currency: z.string(),
  customer: z.object({ customer_id: z.string() }),
  created_at: z.string(),
  is_update_payment_method: z.boolean(),
  subscription_id: optionalText,
  checkout_session_id: optionalText,
  metadata: z.nullish(z.record(z.string(), z.unknown())),
  product_cart: z.nullish(z.array(z.object({ product_id: z.string(), quantity: z.int() }))),
  refund_status: optionalText,
  refunds: z.nullish(
    z.array(
      z.object({
        refund_id: z.string(),
        status: z.string(),
        amount: z.nullish(z.int()),
        is_partial: z.boolean(),
      }),
    ),
  ),
  disputes: z.nullish(z.array(z.object({ dispute_id: z.string(), dispute_status: z.string() }))),
});

/** Reads a payment as Dodo's API shows it. Throws when it has not the shape that its SDK promises. */
export function readPaymentShape(answer: unknown): ObservedPayment {
  const payment = z.parse(PaymentShape, answer);
  const checkoutId = payment.metadata?.['checkout_id'];
  const createdAtMs = Date.parse(payment.created_at);
  if (Number.isNaN(createdAtMs)) throw new Error('a payment of Dodo has no readable created_at');
  return {
    id: payment.payment_id,
    status: payment.status ?? null,
    totalMinor: payment.total_amount,
    taxMinor: payment.tax ?? 0,
    currency: payment.currency,
    customerId: payment.customer.customer_id,
    createdAtMs,
    isUpdatePaymentMethod: payment.is_update_payment_method,
    subscriptionId: payment.subscription_id ?? null,
    sessionId: payment.checkout_session_id ?? null,
    checkoutId: typeof checkoutId === 'string' ? (parseId<CheckoutId>('checkout', checkoutId) ?? null) : null,
    cart: (payment.product_cart ?? []).map((line) => ({
      productId: line.product_id,
      quantity: line.quantity,
    })),
    isFullyRefunded: payment.refund_status === 'full',
    refunds: (payment.refunds ?? []).map((refund) => ({
      id: refund.refund_id,
      status: refund.status,
      amountMinor: refund.amount ?? null,
      isPartial: refund.is_partial,
    })),
    disputes: (payment.disputes ?? []).map((dispute) => ({
      id: dispute.dispute_id,
      status: dispute.dispute_status,
    })),
  };
}
