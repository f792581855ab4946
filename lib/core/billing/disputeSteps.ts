import { subtractMicro } from '#core/shared/money.ts';
import { refundedMinor, type StepContext, worthOf } from './refundSteps.ts';
import { takenBackMicro } from './takenBackMicro.ts';
import type { LedgerStep, ObservedDispute, ReviewReason } from './types.ts';

type Verdict = 'open' | 'ours' | 'theirs' | 'unknown';

/** What a dispute's status means for the credits: frozen, given back, taken back. */
const VERDICTS: Readonly<Record<string, Verdict>> = {
  dispute_opened: 'open',
  dispute_challenged: 'open',
  dispute_expired: 'open', // whether it was lost is not documented: the credits stay frozen until a person has looked
  dispute_won: 'ours',
  dispute_cancelled: 'ours',
  dispute_lost: 'theirs',
  dispute_accepted: 'theirs',
};

/** The freezes, releases and claw-backs that the disputes of a payment still need. A dispute is over the whole payment. */
export function disputeSteps(context: StepContext, review: Set<ReviewReason>): readonly LedgerStep[] {
  const steps = [...context.steps];
  for (const dispute of context.payment.disputes.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    const verdict = verdictOf(dispute.status);
    if (dispute.status === 'dispute_expired') review.add('dispute_expired');
    if (verdict === 'unknown') review.add('unknown_dispute_status');
    const step = disputeStep({ ...context, steps }, dispute, verdict);
    if (step !== undefined) steps.push(step);
  }
  if (takesTooMuch({ ...context, steps })) review.add('taken_back_too_much');
  return steps.slice(context.steps.length);
}

/** What a dispute's status means for what was paid. */
export const verdictOf = (status: string): Verdict => VERDICTS[status] ?? 'unknown';

function disputeStep(
  { steps, payment, grantedMicro, nowMs }: StepContext,
  dispute: ObservedDispute,
  verdict: Verdict,
): LedgerStep | undefined {
  const { frozenBy, nextSource } = freezeOf(steps, dispute.id);
  const note = { reason: `dispute over payment ${payment.id}`, atMs: nowMs };
  switch (verdict) {
    case 'open':
      if (frozenBy !== undefined) return undefined;
      return { kind: 'freeze', source: { kind: 'dispute', id: nextSource }, ...note };
    case 'ours':
      if (frozenBy === undefined) return undefined;
      return { kind: 'release', source: { kind: 'dispute', id: frozenBy }, ...note };
    case 'theirs': {
      const left = subtractMicro(grantedMicro, takenBackMicro(steps));
      const id = frozenBy ?? nextSource;
      if (left > 0) return { kind: 'claw_back', source: { kind: 'dispute', id }, amountMicro: left, ...note };
      // All was refunded already: there is nothing more to take, only the freeze to end.
      return frozenBy === undefined
        ? undefined
        : { kind: 'release', source: { kind: 'dispute', id }, ...note };
    }
    case 'unknown':
      return undefined;
    default:
      return verdict satisfies never;
  }
}

/**
 * Whether a dispute's freeze stands, and under which source the next one would. The ledger takes each source once,
 * so a dispute that opens again after its end freezes under a further name: `dp_1`, `dp_1/2`, …
 */
function freezeOf(
  steps: readonly LedgerStep[],
  disputeId: string,
): { readonly frozenBy: string | undefined; readonly nextSource: string } {
  let frozenBy: string | undefined;
  let used = 0;
  for (const step of steps) {
    if (step.kind === 'grant' || step.source.kind !== 'dispute') continue;
    if (step.source.id.split('/')[0] !== disputeId) continue;
    if (step.kind === 'release') frozenBy = undefined;
    else used += step.source.id === frozenBy ? 0 : 1;
    if (step.kind === 'freeze') frozenBy = step.source.id;
    if (step.kind === 'claw_back') frozenBy = undefined;
  }
  return { frozenBy, nextSource: used === 0 ? disputeId : `${disputeId}/${used + 1}` };
}

/** A dispute that was lost and won later, or a refund that was undone: the ledger took more than Dodo shows now. */
function takesTooMuch({ steps, payment, grantedMicro }: StepContext): boolean {
  const taken = takenBackMicro(steps);
  const isLost = payment.disputes.some((dispute) => VERDICTS[dispute.status] === 'theirs');
  const due =
    isLost || payment.isFullyRefunded
      ? grantedMicro
      : worthOf(refundedMinor(payment), payment.totalMinor, grantedMicro);
  return taken > due;
}
