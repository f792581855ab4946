import { err, ok, type Result } from '#core/shared/result.ts';
import type { Clock } from '#core/shared/world.ts';
import type { BillingStore, PaymentProvider, PaymentQueue, ProviderUnavailable } from './ports.ts';
import type { PaymentRecord, RecentAtProvider } from './types.ts';

export type FindDeps = {
  readonly provider: Pick<PaymentProvider, 'listRecent'>;
  readonly store: Pick<BillingStore, 'readPayment'>;
  readonly queue: PaymentQueue;
  readonly clock: Clock;
};

export type FoundPayments = {
  readonly missed: readonly string[];
  /** False when there was more than a run may read. */
  readonly isComplete: boolean;
};

const HOUR_MS = 3_600_000;
/** Dodo gives up on a webhook after 27.6 hours; nothing older can still arrive by itself. */
const PAYMENTS_SINCE_MS = 48 * HOUR_MS;
/** A dispute may take months from its opening to its end. */
const DISPUTES_SINCE_MS = 120 * 24 * HOUR_MS;

/**
 * Compares what Dodo shows with what we made of it, and queues every payment whose webhook never came. A buyer who
 * paid gets the credits even when all deliveries failed.
 */
export async function findMissedPayments(
  deps: FindDeps,
): Promise<Result<FoundPayments, ProviderUnavailable>> {
  const nowMs = deps.clock();
  const listed = await deps.provider.listRecent({
    paymentsSinceMs: nowMs - PAYMENTS_SINCE_MS,
    disputesSinceMs: nowMs - DISPUTES_SINCE_MS,
  });
  if (!listed.ok) return err(listed.error);
  const missed: string[] = [];
  for (const paymentId of concernedBy(listed.value)) {
    if (!isMissed(await deps.store.readPayment(paymentId), paymentId, listed.value)) continue;
    await deps.queue.send({
      webhookId: 'poll',
      type: 'poll',
      paymentId,
      status: null,
      refundId: null,
      disputeId: null,
    });
    missed.push(paymentId);
  }
  return ok({ missed, isComplete: listed.value.isComplete });
}

const concernedBy = (recent: RecentAtProvider): ReadonlySet<string> =>
  new Set([
    ...recent.payments.map(({ id }) => id),
    ...[...recent.refunds, ...recent.disputes].map(({ paymentId }) => paymentId),
  ]);

function isMissed(record: PaymentRecord | undefined, paymentId: string, recent: RecentAtProvider): boolean {
  // What belongs to no checkout of ours is another business of the same Dodo account.
  if (record === undefined) return recent.payments.some(({ id }) => id === paymentId);
  if (record.appliedSteps < record.steps.length) return true;
  if (record.outcome === 'waiting') return recent.payments.some(({ id }) => id === paymentId);
  if (record.outcome !== 'granted') return false;
  const tookBack = new Set(
    record.steps.map((step) =>
      step.kind === 'claw_back' && step.source.kind === 'refund' ? step.source.id : '',
    ),
  );
  return (
    recent.refunds.some((refund) => refund.paymentId === paymentId && !tookBack.has(refund.id)) ||
    recent.disputes.some(
      (dispute) => dispute.paymentId === paymentId && !record.disputeStatuses.includes(dispute.status),
    )
  );
}
