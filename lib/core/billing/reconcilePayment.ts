import { decideGrant } from './decideGrant.ts';
import { disputeSteps } from './disputeSteps.ts';
import { refundedMinor, refundSteps } from './refundSteps.ts';
import type {
  Checkout,
  LedgerStep,
  ObservedPayment,
  PaymentOutcome,
  PaymentRecord,
  ReviewReason,
} from './types.ts';

export type ReconcileInput = {
  /** Our own offer, found by the id in the payment's metadata. */
  readonly checkout: Checkout | undefined;
  /** What we made of this payment before. */
  readonly record: PaymentRecord | undefined;
  /** The payment as Dodo shows it now. */
  readonly payment: ObservedPayment;
  readonly nowMs: number;
};

/**
 * Brings our mirror of a payment up to what Dodo shows, adding the ledger steps that are missing. It looks at
 * states and never at events: so any order and any number of events end in the same balance, the one that the
 * last state asks for. Steps are only ever appended. Answers the same record when there is nothing to do.
 */
export function reconcilePayment(input: ReconcileInput): PaymentRecord {
  const { record, payment, checkout, nowMs } = input;
  const kept = record?.steps ?? [];
  const grant = kept.find((step) => step.kind === 'grant');
  const decision = grant === undefined ? decideGrant(checkout, payment) : undefined;
  const steps: LedgerStep[] = [...kept];
  if (decision?.outcome === 'granted') steps.push(decision.step);
  const granted = grant ?? (decision?.outcome === 'granted' ? decision.step : undefined);
  const review = new Set<ReviewReason>();
  if (granted !== undefined) {
    steps.push(...refundSteps({ steps, payment, grantedMicro: granted.amountMicro, nowMs }, review));
    steps.push(...disputeSteps({ steps, payment, grantedMicro: granted.amountMicro, nowMs }, review));
  }
  const outcome: PaymentOutcome = granted === undefined ? (decision?.outcome ?? 'waiting') : 'granted';
  const next: PaymentRecord = {
    id: payment.id,
    version: (record?.version ?? 0) + 1,
    // What was granted to somebody is taken back from the same one, whatever the metadata says later.
    tenantId: (grant === undefined ? checkout?.tenantId : record?.tenantId) ?? null,
    checkoutId: (grant === undefined ? checkout?.id : record?.checkoutId) ?? null,
    subscriptionId: payment.subscriptionId,
    outcome,
    reason: decision === undefined || decision.outcome === 'granted' ? null : decision.reason,
    review: [...review].sort(),
    status: payment.status,
    totalMinor: payment.totalMinor,
    currency: payment.currency,
    refundedMinor: refundedMinor(payment),
    disputeStatuses: payment.disputes.map((dispute) => dispute.status),
    steps,
    appliedSteps: record?.appliedSteps ?? 0,
    createdAtMs: payment.createdAtMs,
  };
  return record !== undefined && isSame(record, next) ? record : next;
}

const isSame = (before: PaymentRecord, after: PaymentRecord): boolean =>
  JSON.stringify(decisive(before)) === JSON.stringify(decisive(after));

/** All of a record that a new look at Dodo can change; of the steps, which are only appended, their number. */
const decisive = (record: PaymentRecord): readonly unknown[] => [
  record.tenantId,
  record.checkoutId,
  record.outcome,
  record.reason,
  record.review,
  record.status,
  record.totalMinor,
  record.currency,
  record.refundedMinor,
  record.disputeStatuses,
  record.steps.length,
];
