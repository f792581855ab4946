import type DodoPayments from 'dodopayments';
import type { RecentAtProvider } from '#core/billing/types.ts';
import { allPages } from './allPages.ts';

type Since = { readonly paymentsSinceMs: number; readonly disputesSinceMs: number };

/** Succeeded payments of our checkouts, succeeded refunds and all disputes since a moment, as Dodo lists them. */
export async function listRecent(dodo: DodoPayments, since: Since): Promise<RecentAtProvider> {
  const payments = await allPages((page) =>
    dodo.payments.list({ ...page, created_at_gte: isoTime(since.paymentsSinceMs), status: 'succeeded' }),
  );
  const refunds = await allPages((page) =>
    dodo.refunds.list({ ...page, created_at_gte: isoTime(since.paymentsSinceMs), status: 'succeeded' }),
  );
  const disputes = await allPages((page) =>
    dodo.disputes.list({ ...page, created_at_gte: isoTime(since.disputesSinceMs) }),
  );
  return {
    payments: payments.items
      .filter(({ metadata }) => typeof metadata?.['checkout_id'] === 'string')
      .map(({ payment_id, total_amount, created_at }) => ({
        id: payment_id,
        totalMinor: total_amount,
        createdAtMs: Date.parse(created_at),
      })),
    refunds: refunds.items.map((refund) => ({ id: refund.refund_id, paymentId: refund.payment_id })),
    disputes: disputes.items.map((dispute) => ({
      paymentId: dispute.payment_id,
      status: dispute.dispute_status,
    })),
    isComplete: payments.isComplete && refunds.isComplete && disputes.isComplete,
  };
}

const isoTime = (ms: number): string => new Date(ms).toISOString();
