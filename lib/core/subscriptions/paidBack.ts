import { verdictOf } from '#core/billing/disputeSteps.ts';
import { type MicroCredits, micro, ZERO } from '#core/shared/money.ts';
import type { PaidBack, SubscriptionPayment, UsageGrant } from './types.ts';
import type { Period } from './usagePeriod.ts';

/** A payment is made when its period begins, by another clock than the period's. */
export const PAID_BEFORE_MS = 3_600_000;

/** What came back of the payments for a billing period; null when nothing did. */
export function paidBackOf(billing: Period, payments: readonly SubscriptionPayment[]): PaidBack | null {
  const ofPeriod = payments.filter(
    ({ createdAtMs }) =>
      createdAtMs >= billing.startMs - PAID_BEFORE_MS && createdAtMs < billing.endMs - PAID_BEFORE_MS,
  );
  const has = (payment: SubscriptionPayment, verdict: 'open' | 'theirs'): boolean =>
    payment.disputes.some(({ status }) => verdictOf(status) === verdict);
  const returned = (payment: SubscriptionPayment): number =>
    has(payment, 'theirs') ? payment.totalMinor : Math.min(payment.refundedMinor, payment.totalMinor);
  const paidBack = {
    billingStartMs: billing.startMs,
    paidMinor: ofPeriod.reduce((sum, { totalMinor }) => sum + totalMinor, 0),
    returnedMinor: ofPeriod.reduce((sum, payment) => sum + returned(payment), 0),
    isDisputed: ofPeriod.some((payment) => has(payment, 'open')),
  };
  return paidBack.returnedMinor > 0 || paidBack.isDisputed ? paidBack : null;
}

/**
 * What of a grant goes with the money: of included usage the share that came back, rounded down. Overage is nothing
 * that was paid for, so its limit stays until all of the money is gone.
 */
export function withheldOf(
  { kind, amountMicro }: Pick<UsageGrant, 'kind' | 'amountMicro'>,
  paidBack: PaidBack | null,
): MicroCredits {
  if (paidBack === null || paidBack.returnedMinor === 0) return ZERO;
  const { returnedMinor, paidMinor } = paidBack;
  if (returnedMinor >= paidMinor) return amountMicro;
  if (kind === 'overage') return ZERO;
  return micro(Number((BigInt(amountMicro) * BigInt(returnedMinor)) / BigInt(paidMinor)));
}
