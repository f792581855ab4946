import type { BillingStore } from '#core/billing/ports.ts';
import type { LedgerStep } from '#core/billing/types.ts';
import type { RefillStore } from './ports.ts';
import type { EndedRefill, RefillState } from './types.ts';

/** Refills that are looked back at: a dispute comes within months, and a refill's threshold is reached in days. */
const LOOKED_BACK = 10;

/**
 * The newest refill whose money was taken back or is disputed since the settings were made. Its credits are gone, so a
 * refill seems due; but to charge again what was just returned is the last that the buyer wants.
 */
export async function findReturned(
  deps: {
    readonly store: Pick<RefillStore, 'listEnded'>;
    readonly payments: { readonly store: Pick<BillingStore, 'readPayment'> };
  },
  { tenantId, setAtMs }: RefillState,
): Promise<EndedRefill | undefined> {
  const { refills } = await deps.store.listEnded(tenantId, { limit: LOOKED_BACK });
  for (const refill of refills) {
    const { paymentId } = refill;
    const payment = paymentId === null ? undefined : await deps.payments.store.readPayment(paymentId);
    if (payment?.steps.some((step, at) => isReturn(step, payment.steps.slice(at + 1), setAtMs)) === true) {
      return refill;
    }
  }
  return undefined;
}

/** Credits that were taken back, or frozen by a dispute that nobody has won yet. */
function isReturn(step: LedgerStep, later: readonly LedgerStep[], sinceMs: number): boolean {
  if (step.atMs < sinceMs) return false;
  if (step.kind !== 'freeze') return step.kind === 'claw_back';
  return !later.some(
    ({ kind, ...one }) => kind === 'release' && 'source' in one && one.source.id === step.source.id,
  );
}
