import type { BillingStore, PaymentQueue } from '#core/billing/ports.ts';
import type { PaymentRecord, RecentAtProvider } from '#core/billing/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import type { Compared } from './compareAmounts.ts';
import type { Cause, Difference } from './types.ts';

export type ComparePaymentsDeps = {
  readonly billing: Pick<BillingStore, 'readPayment'>;
  readonly queue: PaymentQueue;
};

export type PaymentBooks = {
  /** Succeeded payments of our checkouts, as Dodo lists them for the day. */
  readonly atDodo: RecentAtProvider['payments'];
  /** Grants of the day that name a payment, from the account books. */
  readonly granted: ReadonlyMap<string, { readonly tenantId: TenantId; readonly amountMicro: number }>;
};

/** A minor unit of money in millionths of the major one. */
const MICRO_PER_MINOR = 10_000;

/**
 * Holds Dodo's payments against our mirror of them and both against the account books. What was missed is queued to
 * be applied; the totals are what Dodo took and what our mirror says of it.
 */
export async function comparePayments(
  deps: ComparePaymentsDeps,
  { atDodo, granted }: PaymentBooks,
): Promise<Compared> {
  const differences: Difference[] = [];
  const known = new Set(atDodo.map(({ id }) => id));
  let [leftMicro, rightMicro] = [0, 0];
  for (const payment of atDodo) {
    const record = await deps.billing.readPayment(payment.id);
    const paidMicro = payment.totalMinor * MICRO_PER_MINOR;
    rightMicro += paidMicro;
    if (record !== undefined) leftMicro += record.totalMinor * MICRO_PER_MINOR;
    const found = differenceOf(record, granted.get(payment.id)?.amountMicro, payment.totalMinor);
    if (found === undefined) continue;
    if (REPAIRED.has(found.cause)) await deps.queue.send(messageOf(payment.id));
    differences.push({
      pair: 'ledger_payments',
      id: payment.id,
      tenantId: record?.tenantId ?? null,
      leftMicro: record === undefined ? null : record.totalMinor * MICRO_PER_MINOR,
      rightMicro: paidMicro,
      ...found,
    });
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
  return {
    differences,
    totals: {
      pair: 'ledger_payments',
      compared: new Set([...known, ...granted.keys()]).size,
      leftMicro,
      rightMicro,
    },
  };
}

const REPAIRED: ReadonlySet<Cause> = new Set(['webhook_missed', 'not_applied_yet']);

function differenceOf(
  record: PaymentRecord | undefined,
  grantedMicro: number | undefined,
  totalMinor: number,
): { readonly cause: Cause; readonly note: string } | undefined {
  if (record === undefined || record.outcome === 'waiting') {
    return { cause: 'webhook_missed', note: 'queued to be applied' };
  }
  if (record.outcome === 'unmatched')
    return { cause: 'payment_unmatched', note: record.reason ?? 'unmatched' };
  if (record.outcome === 'ignored') return undefined;
  if (record.totalMinor !== totalMinor) return { cause: 'unknown', note: 'our mirror has another amount' };
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

const messageOf = (paymentId: string) => ({
  webhookId: 'reconciliation',
  type: 'poll',
  paymentId,
  status: null,
  refundId: null,
  disputeId: null,
});
