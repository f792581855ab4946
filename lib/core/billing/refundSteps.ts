import { type MicroCredits, micro, subtractMicro } from '#core/shared/money.ts';
import { takenBackMicro } from './takenBackMicro.ts';
import type { LedgerStep, ObservedPayment, ObservedRefund, ReviewReason } from './types.ts';

export type StepContext = {
  /** The steps so far, the grant among them. */
  readonly steps: readonly LedgerStep[];
  readonly payment: ObservedPayment;
  readonly grantedMicro: MicroCredits;
  readonly nowMs: number;
};

/**
 * The claw-backs of refunds that have none yet, one for each. The amounts are differences of rounded-down running
 * totals: so they add up to what the sum of the refunds is worth, and to exactly the grant when all is refunded.
 */
export function refundSteps(context: StepContext, review: Set<ReviewReason>): readonly LedgerStep[] {
  const { steps, payment, grantedMicro } = context;
  const succeeded = payment.refunds.filter((refund) => refund.status === 'succeeded');
  if (succeeded.some((refund) => amountOf(refund, payment) === undefined))
    review.add('refund_amount_unknown');
  const seen = new Set(
    steps.map((step) => (step.kind === 'claw_back' && step.source.kind === 'refund' ? step.source.id : '')),
  );
  const isSeen = (refund: ObservedRefund) => seen.has(refund.id);

  let runningMinor = sumMinor(succeeded.filter(isSeen), payment);
  let taken = takenBackMicro(steps);
  const fresh = succeeded.filter((refund) => !isSeen(refund)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const added: LedgerStep[] = [];
  for (const [index, refund] of fresh.entries()) {
    runningMinor += amountOf(refund, payment) ?? 0;
    const isAll = payment.isFullyRefunded && index === fresh.length - 1;
    const target = isAll ? grantedMicro : worthOf(runningMinor, payment.totalMinor, grantedMicro);
    if (target <= taken) continue;
    added.push({
      kind: 'claw_back',
      source: { kind: 'refund', id: refund.id },
      amountMicro: subtractMicro(target, taken),
      reason: `refund of payment ${payment.id}`,
      atMs: context.nowMs,
    });
    taken = target;
  }
  return added;
}

/** What the succeeded refunds of a payment add up to, in minor units. */
export const refundedMinor = (payment: ObservedPayment): number =>
  sumMinor(
    payment.refunds.filter((refund) => refund.status === 'succeeded'),
    payment,
  );

/** The credits that a part of the payment bought, rounded down: never more is taken back than was refunded. */
export function worthOf(partMinor: number, totalMinor: number, grantedMicro: MicroCredits): MicroCredits {
  if (partMinor >= totalMinor) return grantedMicro;
  // The product of two amounts can leave the safe integers, so it is taken in big ones.
  return micro(Number((BigInt(grantedMicro) * BigInt(partMinor)) / BigInt(totalMinor)));
}

const sumMinor = (refunds: readonly ObservedRefund[], payment: ObservedPayment): number =>
  refunds.reduce((sum, refund) => sum + (amountOf(refund, payment) ?? 0), 0);

function amountOf(refund: ObservedRefund, payment: ObservedPayment): number | undefined {
  if (refund.amountMinor !== null) return refund.amountMinor;
  return refund.isPartial ? undefined : payment.totalMinor;
}
