import type { Applied, ApplyRefused, Ledger } from '#core/ledger/ports.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { Clock } from '#core/shared/world.ts';
import type { BillingStore, PaymentProvider, ProviderUnavailable } from './ports.ts';
import { reconcilePayment } from './reconcilePayment.ts';
import type { LedgerStep, ObservedPayment, PaymentMessage, PaymentRecord } from './types.ts';

export type ApplyDeps = {
  readonly provider: Pick<PaymentProvider, 'readPayment'>;
  readonly store: Pick<
    BillingStore,
    'readPayment' | 'readCheckout' | 'savePayment' | 'markApplied' | 'markPaid'
  >;
  readonly ledger: Pick<Ledger, 'grant' | 'clawBack' | 'freeze' | 'release'>;
  readonly clock: Clock;
};

/** All of them pass: the queue brings the message again. */
export type ApplyPostponed =
  | ProviderUnavailable
  | { readonly code: 'payment_not_found' | 'payment_behind_event' | 'payment_contended' };

/** Two messages of one payment at once make one of them start over; more than this many is a fault. */
const MAX_ATTEMPTS = 6;
const ACTOR = 'dodo';

/**
 * Brings one payment's effect on the ledger up to what Dodo shows now. The message only says where to look.
 * The steps are decided and stored first, then done: a crash anywhere leaves a list that the next message
 * finishes, and every step is safe to repeat.
 */
export async function applyPayment(
  deps: ApplyDeps,
  message: PaymentMessage,
): Promise<Result<PaymentRecord, ApplyPostponed>> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    // Our record is read before Dodo's: an answer that is older than what another message saw then fails to be saved.
    const record = await deps.store.readPayment(message.paymentId);
    const payment = await deps.provider.readPayment(message.paymentId);
    if (!payment.ok) return payment;
    if (isBehind(payment.value, message)) return err({ code: 'payment_behind_event' });
    const { checkoutId } = payment.value;
    const checkout = checkoutId === null ? undefined : await deps.store.readCheckout(checkoutId);
    const next = reconcilePayment({ checkout, record, payment: payment.value, nowMs: deps.clock() });
    if (next !== record && !(await deps.store.savePayment(next))) continue;
    await applySteps(deps, next);
    return ok(next);
  }
  return err({ code: 'payment_contended' });
}

/** Dodo's own reading may lag behind its webhook; acting on it would lose what the event announced. */
function isBehind(payment: ObservedPayment, message: PaymentMessage): boolean {
  if (message.disputeId !== null) {
    return !payment.disputes.some((dispute) => dispute.id === message.disputeId);
  }
  if (message.refundId !== null) {
    const refund = payment.refunds.find(({ id }) => id === message.refundId);
    return (
      message.status === 'succeeded' &&
      (refund === undefined || refund.status === 'pending' || refund.status === 'review')
    );
  }
  return message.status === 'succeeded' && (payment.status === null || payment.status === 'processing');
}

async function applySteps(deps: ApplyDeps, record: PaymentRecord): Promise<void> {
  const { tenantId, checkoutId, steps, appliedSteps } = record;
  if (appliedSteps >= steps.length) return;
  if (tenantId === null || checkoutId === null) throw new Error(`payment ${record.id} has steps for nobody`);
  const grant = steps.find((step) => step.kind === 'grant');
  if (grant === undefined) throw new Error(`payment ${record.id} has steps without a grant`);
  for (const step of steps.slice(appliedSteps)) {
    const applied = await applyStep(deps, record.id, { tenantId, grantId: grant.grantId }, step);
    // Every refusal is a fault of ours: the steps were made to fit. The message goes to the dead-letter queue.
    if (!applied.ok)
      throw new Error(`the ledger refused ${step.kind} of payment ${record.id}: ${applied.error.code}`);
  }
  await deps.store.markPaid(checkoutId, record.id);
  await deps.store.markApplied(record.id, record.version, steps.length);
}

function applyStep(
  { ledger }: ApplyDeps,
  paymentId: string,
  target: {
    readonly tenantId: TenantId;
    readonly grantId: Extract<LedgerStep, { kind: 'grant' }>['grantId'];
  },
  step: LedgerStep,
): Promise<Result<Applied, ApplyRefused>> {
  const note = { ...target, reason: step.reason, actor: ACTOR, nowMs: step.atMs };
  switch (step.kind) {
    case 'grant':
      return ledger.grant({
        ...note,
        kind: 'pack',
        amountMicro: step.amountMicro,
        ...(step.expiresAtMs === null ? {} : { expiresAtMs: step.expiresAtMs }),
        source: { kind: 'payment', id: paymentId },
      });
    case 'claw_back':
      return ledger.clawBack({ ...note, amountMicro: step.amountMicro, source: step.source });
    case 'freeze':
      return ledger.freeze({ ...note, source: step.source });
    case 'release':
      return ledger.release({ ...note, source: step.source });
    default:
      return step satisfies never;
  }
}
