import { verdictOf } from '#core/billing/disputeSteps.ts';
import type { BillingStore } from '#core/billing/ports.ts';
import type { PaymentRecord } from '#core/billing/types.ts';
import type { TenantId } from '#core/shared/ids.ts';

export type PackRevenueDeps = Pick<BillingStore, 'paymentsBetween' | 'readCheckout'>;

/** What one request has the time for. */
const MAX_PAYMENTS = 10_000;

/**
 * What each tenant paid for packs in a stretch of time, in minor units before tax, less what was refunded or lost to a
 * dispute since. `isComplete` is false when there are more payments than one look may read.
 */
export async function packRevenue(
  billing: PackRevenueDeps,
  range: { readonly fromMs: number; readonly toMs: number },
): Promise<{ readonly minorOf: ReadonlyMap<TenantId, number>; readonly isComplete: boolean }> {
  const minorOf = new Map<TenantId, number>();
  let count = 0;
  for await (const payment of billing.paymentsBetween(range)) {
    count += 1;
    if (count > MAX_PAYMENTS) return { minorOf, isComplete: false };
    const { tenantId, checkoutId, outcome } = payment;
    if (outcome !== 'granted' || tenantId === null || checkoutId === null) continue;
    const checkout = await billing.readCheckout(checkoutId);
    if (checkout === undefined) throw new Error(`the payment ${payment.id} was granted without its checkout`);
    const keptMinor = keptOf(payment, checkout.pack.priceMinor * checkout.quantity);
    minorOf.set(tenantId, (minorOf.get(tenantId) ?? 0) + keptMinor);
  }
  return { minorOf, isComplete: true };
}

/** A refund gives tax back as well, so it takes the same share of the price as of the total. Rounded to a minor unit. */
function keptOf({ totalMinor, refundedMinor, disputeStatuses }: PaymentRecord, priceMinor: number): number {
  if (totalMinor === 0 || disputeStatuses.some((status) => verdictOf(status) === 'theirs')) return 0;
  return Math.round((priceMinor * Math.max(0, totalMinor - refundedMinor)) / totalMinor);
}
