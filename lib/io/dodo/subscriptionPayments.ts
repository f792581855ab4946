import type DodoPayments from 'dodopayments';
import type { ProviderUnavailable } from '#core/billing/ports.ts';
import { refundedMinor } from '#core/billing/refundSteps.ts';
import type { ObservedPayment } from '#core/billing/types.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { SubscriptionPayment } from '#core/subscriptions/types.ts';
import { allPages } from './allPages.ts';
import { attempt } from './attempt.ts';
import { makePaymentProvider } from './paymentProvider.ts';

/** Succeeded payments of a subscription since a moment. Only those of which something came back are read one by one. */
export async function readSubscriptionPayments(
  client: () => Promise<DodoPayments>,
  subscriptionId: string,
  sinceMs: number,
): Promise<Result<readonly SubscriptionPayment[], ProviderUnavailable>> {
  const dodo = await client();
  const listed = await attempt(async () => {
    const { items, isComplete } = await allPages((page) =>
      dodo.payments.list({
        ...page,
        subscription_id: subscriptionId,
        created_at_gte: new Date(sinceMs).toISOString(),
        status: 'succeeded',
      }),
    );
    if (!isComplete) throw new Error('more payments than a look may read');
    return items;
  });
  if (!listed.ok) return unavailable(listed.error.detail);
  const { readPayment } = makePaymentProvider(client);
  const payments: SubscriptionPayment[] = [];
  for (const item of listed.value) {
    if (item.status !== 'succeeded') continue;
    const whole = { totalMinor: item.total_amount, createdAtMs: Date.parse(item.created_at) };
    if (!item.refund_status && !item.dispute_status) {
      payments.push({ ...whole, refundedMinor: 0, disputes: [] });
      continue;
    }
    const read = await readPayment(item.payment_id);
    if (!read.ok) return unavailable(read.error.code);
    payments.push({ ...whole, refundedMinor: refundedOf(read.value), disputes: read.value.disputes });
  }
  return ok(payments);
}

const refundedOf = (payment: ObservedPayment): number =>
  payment.isFullyRefunded ? payment.totalMinor : refundedMinor(payment);

const unavailable = (detail: string) => err({ code: 'payment_provider_unavailable' as const, detail });
