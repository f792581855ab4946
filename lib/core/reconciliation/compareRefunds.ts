import type { BillingStore, PaymentProvider, PaymentQueue } from '#core/billing/ports.ts';
import { reconcilePayment } from '#core/billing/reconcilePayment.ts';
import type { LedgerStep, PaymentRecord, RecentAtProvider } from '#core/billing/types.ts';
import { dayOf } from '#core/ledger/rollup.ts';
import type { TenantId } from '#core/shared/ids.ts';
import type { Clock } from '#core/shared/world.ts';
import type { Compared } from './compareAmounts.ts';
import { MICRO_PER_MINOR } from './comparePayments.ts';
import { lookAgainAt } from './lookAgainAt.ts';
import type { Cause, Difference } from './types.ts';

/** Credits that an account book took back on a day, by source: `refund/<id>` or `dispute/<id>`. */
export type TakenBack = ReadonlyMap<string, number>;

export type CompareRefundsDeps = {
  readonly billing: Pick<BillingStore, 'readPayment' | 'readCheckout'>;
  readonly provider: Pick<PaymentProvider, 'readPayment'>;
  readonly queue: PaymentQueue;
  readonly takenBackOn: (tenantId: TenantId, day: string) => Promise<TakenBack>;
  readonly clock: Clock;
};

export type RefundBooks = {
  readonly day: string;
  /** Further back than the day: a refund may be applied days after it was made. */
  readonly atDodo: Pick<RecentAtProvider, 'refunds' | 'disputes'>;
  /** What the account books took back on the day. */
  readonly takenBack: ReadonlyMap<TenantId, TakenBack>;
};

type Looked = {
  readonly leftMicro: number;
  readonly rightMicro: number;
  readonly found: { readonly cause: Cause; readonly note: string } | undefined;
};

/**
 * Holds refunds and disputes at Dodo against our mirror of their payments, and what the mirror took back against the
 * account books. Amounts are the money that was refunded; of a line that only a book has, the credits. What was
 * missed is queued to be applied. A text says that Dodo did not answer.
 */
export async function compareRefunds(
  deps: CompareRefundsDeps,
  { day, atDodo, takenBack }: RefundBooks,
): Promise<Compared | string> {
  const paymentOf = new Map<string, string>([
    ...atDodo.refunds.map(({ id, paymentId }) => [`refund/${id}`, paymentId] as const),
    ...atDodo.disputes.map(({ id, paymentId }) => [`dispute/${id}`, paymentId] as const),
  ]);
  const differences: Difference[] = [];
  const concerned = await concernedBy(deps, day, atDodo);
  for (const [tenantId, sources] of takenBack) {
    for (const [source, amountMicro] of sources) {
      const paymentId = paymentOf.get(disputeOf(source));
      const record = paymentId === undefined ? undefined : await deps.billing.readPayment(paymentId);
      if (record?.tenantId === tenantId && clawBacksOf(record).some((step) => sourceOf(step) === source)) {
        concerned.add(record.id);
        continue;
      }
      const amounts = { leftMicro: -amountMicro, rightMicro: null };
      const note = 'credits were taken back for what Dodo does not show';
      differences.push({ pair: 'ledger_refunds', id: source, tenantId, ...amounts, cause: 'unknown', note });
    }
  }
  let [compared, leftMicro, rightMicro] = [differences.length, 0, 0];
  for (const id of [...concerned].sort()) {
    const record = await deps.billing.readPayment(id);
    // What has no record was missed as a payment, or is another business of the same Dodo account.
    if (record?.outcome !== 'granted') continue;
    const looked = await lookAt(deps, record);
    if (typeof looked === 'string') return looked;
    compared += 1;
    leftMicro += looked.leftMicro;
    rightMicro += looked.rightMicro;
    if (looked.found === undefined) continue;
    if (looked.found.cause !== 'unknown') await lookAgainAt(deps.queue, id);
    const { found, ...amounts } = looked;
    differences.push({ pair: 'ledger_refunds', id, tenantId: record.tenantId, ...amounts, ...found });
  }
  return { differences, totals: { pair: 'ledger_refunds', compared, leftMicro, rightMicro } };
}

/** Payments that something was refunded of on the day, or that are disputed otherwise than we know. */
async function concernedBy(
  { billing }: CompareRefundsDeps,
  day: string,
  { refunds, disputes }: RefundBooks['atDodo'],
): Promise<Set<string>> {
  const concerned = new Set(
    [...refunds, ...disputes]
      .filter(({ createdAtMs }) => dayOf(createdAtMs) === day)
      .map(({ paymentId }) => paymentId),
  );
  for (const { paymentId, status } of disputes) {
    if (concerned.has(paymentId)) continue;
    const record = await billing.readPayment(paymentId);
    if (record !== undefined && !record.disputeStatuses.includes(status)) concerned.add(paymentId);
  }
  return concerned;
}

async function lookAt(deps: CompareRefundsDeps, record: PaymentRecord): Promise<Looked | string> {
  const leftMicro = record.refundedMinor * MICRO_PER_MINOR;
  const payment = await deps.provider.readPayment(record.id);
  if (!payment.ok && payment.error.code === 'payment_provider_unavailable') return payment.error.detail;
  if (!payment.ok) {
    const found = { cause: 'unknown', note: 'Dodo does not know this payment' } as const;
    return { leftMicro, rightMicro: 0, found };
  }
  const checkout =
    record.checkoutId === null ? undefined : await deps.billing.readCheckout(record.checkoutId);
  const next = reconcilePayment({ checkout, record, payment: payment.value, nowMs: deps.clock() });
  const rightMicro = next.refundedMinor * MICRO_PER_MINOR;
  if (next !== record) {
    const note = 'a refund or dispute that we have not seen; queued to be applied';
    return { leftMicro, rightMicro, found: { cause: 'webhook_missed', note } };
  }
  if (record.appliedSteps < record.steps.length) {
    const found = { cause: 'not_applied_yet', note: 'queued to be applied' } as const;
    return { leftMicro, rightMicro, found };
  }
  const note = await wrongInBook(deps, record);
  return { leftMicro, rightMicro, found: note === undefined ? undefined : { cause: 'unknown', note } };
}

/** What the account book has otherwise than the steps that were done; undefined when it has them all. */
async function wrongInBook(
  { takenBackOn }: CompareRefundsDeps,
  record: PaymentRecord,
): Promise<string | undefined> {
  const { tenantId, steps } = record;
  if (tenantId === null) return 'credits of nobody';
  const grant = steps.find((step) => step.kind === 'grant');
  const expiresAtMs = grant?.expiresAtMs ?? Number.POSITIVE_INFINITY;
  for (const step of clawBacksOf(record)) {
    const taken = (await takenBackOn(tenantId, dayOf(step.atMs))).get(sourceOf(step));
    if (taken === undefined) return `${sourceOf(step)} took back credits, and the book does not have it`;
    // A grant that has expired holds less than it gave: then only the rest could be taken back.
    const isRest = expiresAtMs <= step.atMs && taken < step.amountMicro;
    if (taken !== step.amountMicro && !isRest)
      return `${sourceOf(step)} took back another amount of credits than the book has`;
  }
  return undefined;
}

type ClawBack = Extract<LedgerStep, { readonly kind: 'claw_back' }>;

const clawBacksOf = ({ steps }: PaymentRecord): readonly ClawBack[] =>
  steps.filter((step) => step.kind === 'claw_back');

const sourceOf = ({ source }: ClawBack): string => `${source.kind}/${source.id}`;

/** A dispute that opened again has a further name in the ledger, `dispute/dp_1/2`. */
const disputeOf = (source: string): string => source.split('/').slice(0, 2).join('/');
