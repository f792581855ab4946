import type DodoPayments from 'dodopayments';
import type { RecentAtProvider } from '#core/billing/types.ts';

const PAGE_SIZE = 100;
/** Of each list; at 240 calls a minute Dodo would refuse much more. */
const MAX_PAGES = 30;

type Since = { readonly paymentsSinceMs: number; readonly disputesSinceMs: number };
type Page<T> = { readonly items: readonly T[] };

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
      .map(({ payment_id }) => ({ id: payment_id })),
    refunds: refunds.items.map((refund) => ({ id: refund.refund_id, paymentId: refund.payment_id })),
    disputes: disputes.items.map((dispute) => ({
      paymentId: dispute.payment_id,
      status: dispute.dispute_status,
    })),
    isComplete: payments.isComplete && refunds.isComplete && disputes.isComplete,
  };
}

const isoTime = (ms: number): string => new Date(ms).toISOString();

/** Page after page by number: the SDK's own iteration skips the second page unless it is told the first one's number. */
async function allPages<T>(
  list: (page: { readonly page_number: number; readonly page_size: number }) => PromiseLike<Page<T>>,
): Promise<{ readonly items: readonly T[]; readonly isComplete: boolean }> {
  const items: T[] = [];
  for (let page_number = 0; page_number < MAX_PAGES; page_number += 1) {
    const page = await list({ page_number, page_size: PAGE_SIZE });
    items.push(...page.items);
    if (page.items.length < PAGE_SIZE) return { items, isComplete: true };
  }
  return { items, isComplete: false };
}
