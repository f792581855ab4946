import { paidBackOf } from './paidBack.ts';
import { addOnsOf, type PlanCatalogue, planOfProduct } from './plan.ts';
import { recurringNow } from './recurringNow.ts';
import { ACCESS, canReach, isFinal, isStatus, type SubscriptionStatus } from './status.ts';
import type {
  ObservedSubscription,
  PaidBack,
  SubscriptionCheckout,
  SubscriptionPayment,
  SubscriptionRecord,
  SubscriptionReview,
} from './types.ts';
import { usageSteps } from './usageSteps.ts';

export type ReconcileInput = {
  readonly catalogue: Pick<PlanCatalogue, 'plans' | 'addOns'>;
  /** Our own offer, found by the id in the subscription's metadata. */
  readonly checkout: SubscriptionCheckout | undefined;
  /** The subscription that is the tenant's as far as we know: this one, another one, or none. */
  readonly current?: SubscriptionRecord | undefined;
  /** What we made of this subscription before. */
  readonly record: SubscriptionRecord | undefined;
  /** The subscription as Dodo shows it now. */
  readonly observed: ObservedSubscription;
  /** From the event, which alone knows it; undefined: this look says nothing of it. */
  readonly pastDueEndsAtMs?: number | null | undefined;
  /** Its payments of the billing period; undefined: they were not looked at. */
  readonly payments?: readonly SubscriptionPayment[] | undefined;
  readonly nowMs: number;
};

/**
 * Brings our mirror of a subscription up to what Dodo shows, with the ledger steps that are missing. It looks at
 * states and never at events: so any order and any number of events end the same. Answers the same record when there
 * is nothing to do.
 */
export function reconcileSubscription(input: ReconcileInput): SubscriptionRecord {
  const { record, observed, catalogue, nowMs } = input;
  const review = new Set<SubscriptionReview>();
  const status = statusOf(record, observed, review);
  const sold = planOfProduct(catalogue, observed.productId);
  if (sold === undefined) review.add('unknown_product');
  const looked = {
    id: observed.id,
    version: (record?.version ?? 0) + 1,
    tenantId: record?.tenantId ?? ownerOf(input, review),
    customerId: observed.customerId,
    planId: sold?.plan.id ?? record?.planId ?? null,
    interval: sold?.interval ?? record?.interval ?? null,
    addOns: addOnsOf(catalogue, observed.addOns),
    status,
    billing: observed.billing,
    cancelAtPeriodEnd: observed.cancelAtPeriodEnd,
    scheduledChange: observed.scheduledChange,
    pastDueEndsAtMs: graceOf(input, status),
    usage: record?.usage ?? null,
    paidBack: paidBackNow(input),
    pauses: record?.pauses ?? 0,
    isFrozen: record?.isFrozen ?? false,
    review: [],
    steps: record?.steps ?? [],
    change: record?.change ?? null,
    createdAtMs: observed.createdAtMs,
    updatedAtMs: status === record?.status ? record.updatedAtMs : nowMs,
  };
  const recurring = recurringNow(catalogue, { before: record, now: looked, nowMs });
  const base: SubscriptionRecord = { ...looked, recurring };
  if (base.tenantId !== null && hasSecond(input, status)) review.add('second_subscription');
  const after =
    base.tenantId === null
      ? base
      : usageSteps({ record: base, plan: sold?.plan, access: ACCESS[status], nowMs, review });
  const next = { ...after, review: [...review].sort() };
  return record !== undefined && isSame(record, next) ? record : next;
}

/** Dodo's status, unless we do not know it or it cannot be: what has ended for good grants nothing again. */
function statusOf(
  record: SubscriptionRecord | undefined,
  observed: ObservedSubscription,
  review: Set<SubscriptionReview>,
): SubscriptionStatus {
  const before = record?.status ?? 'pending';
  if (!isStatus(observed.status)) {
    review.add('unknown_status');
    return before;
  }
  if (canReach(before, observed.status)) return observed.status;
  review.add('impossible_transition');
  return isFinal(before) ? before : observed.status;
}

function ownerOf(
  { checkout, observed }: ReconcileInput,
  review: Set<SubscriptionReview>,
): SubscriptionRecord['tenantId'] {
  if (checkout === undefined) review.add('unknown_checkout');
  else if (checkout.customerId !== observed.customerId) review.add('customer_mismatch');
  else return checkout.tenantId;
  return null;
}

function graceOf({ record, pastDueEndsAtMs }: ReconcileInput, status: SubscriptionStatus): number | null {
  if (status !== 'past_due') return null;
  return pastDueEndsAtMs ?? record?.pastDueEndsAtMs ?? null;
}

/** Both are paid and both give what they include; which of them shall end is for a person to say. */
const hasSecond = ({ current, observed }: ReconcileInput, status: SubscriptionStatus): boolean =>
  current !== undefined && current.id !== observed.id && !isFinal(current.status) && !isFinal(status);

/** What came back is of one billing period: the next one is paid for by itself. */
function paidBackNow({ record, observed, payments }: ReconcileInput): PaidBack | null {
  if (payments !== undefined) return paidBackOf(observed.billing, payments);
  const known = record?.paidBack ?? null;
  return known?.billingStartMs === observed.billing.startMs ? known : null;
}

const isSame = (before: SubscriptionRecord, after: SubscriptionRecord): boolean =>
  JSON.stringify(decisive(before)) === JSON.stringify(decisive(after));

/** All of a record that a new look at Dodo can change; of the steps, which are only appended, their number. */
const decisive = ({ version: _v, updatedAtMs: _u, steps, ...rest }: SubscriptionRecord) => [
  steps.length,
  Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)),
];
