import type { BillingStore, PaymentQueue } from '#core/billing/ports.ts';
import type { PaymentRecord, RecentAtProvider } from '#core/billing/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import type { SubscriptionStore } from '#core/subscriptions/ports.ts';
import type { Compared } from './compareAmounts.ts';
import { lookAgainAt } from './lookAgainAt.ts';
import type { Cause, Difference } from './types.ts';

export type ComparePaymentsDeps = {
  readonly billing: Pick<BillingStore, 'readPayment'>;
  readonly subscriptions: Pick<SubscriptionStore, 'readSubscription'>;
  readonly queue: PaymentQueue;
};

export type PaymentBooks = {
  /** What Dodo lists as succeeded of the day: payments of our checkouts, and those of subscriptions. */
  readonly atDodo: Pick<RecentAtProvider, 'payments' | 'subscriptionPayments'>;
  /** Grants of the day that name a payment, from the account books. */
  readonly granted: ReadonlyMap<string, { readonly tenantId: TenantId; readonly amountMicro: number }>;
};

/** A minor unit of money in millionths of the major one. */
export const MICRO_PER_MINOR = 10_000;

type Listed = RecentAtProvider['payments'][number];
type Found = { readonly cause: Cause; readonly note: string };

/**
 * Holds Dodo's payments against our mirror of them and both against the account books. What was missed is queued to
 * be applied; the totals are what Dodo took and what our mirror says of it.
 */
export async function comparePayments(
  deps: ComparePaymentsDeps,
  { atDodo, granted }: PaymentBooks,
): Promise<Compared> {
  const differences: Difference[] = [];
  const known = new Set<string>();
  let [leftMicro, rightMicro] = [0, 0];
  const compare = async (
    payment: Listed,
    differ: (record: PaymentRecord) => Found | undefined,
  ): Promise<void> => {
    known.add(payment.id);
    const record = await deps.billing.readPayment(payment.id);
    const paidMicro = payment.totalMinor * MICRO_PER_MINOR;
    const mirroredMicro = record === undefined ? null : record.totalMinor * MICRO_PER_MINOR;
    rightMicro += paidMicro;
    leftMicro += mirroredMicro ?? 0;
    const found = isMissed(record) ? MISSED : (mirrorDiffers(record, payment) ?? differ(record));
    if (found === undefined) return;
    if (REPAIRED.has(found.cause)) await lookAgainAt(deps.queue, payment.id);
    const tenantId = record?.tenantId ?? null;
    const amounts = { leftMicro: mirroredMicro, rightMicro: paidMicro };
    differences.push({ pair: 'ledger_payments', id: payment.id, tenantId, ...amounts, ...found });
  };

  for (const payment of atDodo.payments) {
    await compare(payment, (record) => grantDiffers(record, granted.get(payment.id)?.amountMicro));
  }
  for (const payment of atDodo.subscriptionPayments) {
    // What is no subscription of ours is another business of the same Dodo account.
    const subscription = await deps.subscriptions.readSubscription(payment.subscriptionId);
    if (subscription === undefined) continue;
    await compare(payment, () => undefined);
  }
  for (const [id, grant] of granted) {
    if (known.has(id)) continue;
    differences.push({
      pair: 'ledger_payments',
      id,
      tenantId: grant.tenantId,
      leftMicro: grant.amountMicro,
      rightMicro: null,
      cause: 'unknown',
      note: 'credits were granted for a payment that Dodo does not show',
    });
  }
  const compared = new Set([...known, ...granted.keys()]).size;
  return { differences, totals: { pair: 'ledger_payments', compared, leftMicro, rightMicro } };
}

const MISSED: Found = { cause: 'webhook_missed', note: 'queued to be applied' };
const REPAIRED: ReadonlySet<Cause> = new Set(['webhook_missed', 'not_applied_yet']);

const isMissed = (record: PaymentRecord | undefined): record is undefined =>
  record === undefined || record.outcome === 'waiting';

function mirrorDiffers(record: PaymentRecord, { totalMinor, currency }: Listed): Found | undefined {
  if (record.totalMinor !== totalMinor) return { cause: 'unknown', note: 'our mirror has another amount' };
  if (record.currency !== currency)
    return { cause: 'unknown', note: `our mirror has ${record.currency}, and Dodo took ${currency}` };
  return undefined;
}

function grantDiffers(record: PaymentRecord, grantedMicro: number | undefined): Found | undefined {
  if (record.outcome === 'unmatched')
    return { cause: 'payment_unmatched', note: record.reason ?? 'unmatched' };
  if (record.outcome === 'ignored') return undefined;
  const step = record.steps.find(({ kind }) => kind === 'grant');
  const dueMicro = step?.kind === 'grant' ? step.amountMicro : 0;
  if (grantedMicro === dueMicro) return undefined;
  if (record.appliedSteps < record.steps.length) {
    return { cause: 'not_applied_yet', note: 'queued to be applied' };
  }
  return {
    cause: 'unknown',
    note:
      grantedMicro === undefined
        ? 'paid, and no credits stand in the book'
        : 'the book has another amount of credits',
  };
}
