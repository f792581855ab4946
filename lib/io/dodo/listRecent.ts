import type DodoPayments from 'dodopayments';
import type { PaymentProvider } from '#core/billing/ports.ts';
import type { RecentAtProvider } from '#core/billing/types.ts';
import { allPages } from './allPages.ts';

type Since = Parameters<PaymentProvider['listRecent']>[0];

/** Succeeded payments, succeeded refunds and all disputes since a moment, as Dodo lists them. */
export async function listRecent(dodo: DodoPayments, since: Since): Promise<RecentAtProvider> {
  const { paymentsSinceMs, refundsSinceMs = paymentsSinceMs, disputesSinceMs } = since;
  const payments = await allPages((page) =>
    dodo.payments.list({ ...page, created_at_gte: isoTime(paymentsSinceMs), status: 'succeeded' }),
  );
  const refunds = await allPages((page) =>
    dodo.refunds.list({ ...page, created_at_gte: isoTime(refundsSinceMs), status: 'succeeded' }),
  );
  const disputes = await allPages((page) =>
    dodo.disputes.list({ ...page, created_at_gte: isoTime(disputesSinceMs) }),
  );
  return {
    payments: payments.items.filter(isOfCheckout).map(listed),
    subscriptionPayments: payments.items.flatMap((payment) =>
      isOfCheckout(payment) || !payment.subscription_id
        ? []
        : [{ ...listed(payment), subscriptionId: payment.subscription_id }],
    ),
    refunds: refunds.items.map(({ refund_id, payment_id, created_at }) => ({
      id: refund_id,
      paymentId: payment_id,
      createdAtMs: Date.parse(created_at),
    })),
    disputes: disputes.items.map(({ dispute_id, payment_id, dispute_status, created_at }) => ({
      id: dispute_id,
      paymentId: payment_id,
      status: dispute_status,
      createdAtMs: Date.parse(created_at),
    })),
    isComplete: payments.isComplete && refunds.isComplete && disputes.isComplete,
  };
}

type Payment = DodoPayments.PaymentListResponse;

const isOfCheckout = ({ metadata }: Payment): boolean => typeof metadata?.['checkout_id'] === 'string';

const listed = ({ payment_id, total_amount, currency, created_at }: Payment) => ({
  id: payment_id,
  totalMinor: total_amount,
  currency,
  createdAtMs: Date.parse(created_at),
});

const isoTime = (ms: number): string => new Date(ms).toISOString();
