import type { ProviderUnavailable } from '#core/billing/ports.ts';
import type { Applied, ApplyRefused, Ledger } from '#core/ledger/ports.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { Clock } from '#core/shared/world.ts';
import { PAID_BEFORE_MS } from './paidBack.ts';
import { type PlanCatalogue, planOfProduct } from './plan.ts';
import type { SubscriptionProvider, SubscriptionStore } from './ports.ts';
import { reconcileSubscription } from './reconcileSubscription.ts';
import type { SubscriptionMessage, SubscriptionRecord, SubscriptionStep } from './types.ts';

export type ApplySubscriptionDeps = {
  readonly catalogue: PlanCatalogue;
  readonly provider: Pick<SubscriptionProvider, 'readSubscription' | 'readPayments'>;
  readonly store: Pick<
    SubscriptionStore,
    'readSubscription' | 'readSubscriptionCheckout' | 'subscriptionOf' | 'saveSubscription' | 'clearSteps'
  >;
  readonly ledger: Pick<Ledger, 'grant' | 'freeze' | 'release' | 'clawBack'>;
  readonly clock: Clock;
};

/** All of them pass: the queue brings the message again. */
export type ApplySubscriptionPostponed =
  | ProviderUnavailable
  | { readonly code: 'subscription_not_found' | 'subscription_contended' };

/** Two looks at one subscription at once make one of them start over; more than this many is a fault. */
const MAX_ATTEMPTS = 6;
const ACTOR = 'dodo';

/**
 * Brings one subscription's effect on the ledger up to what Dodo shows now. The steps are decided and stored first,
 * then done: a crash anywhere leaves a list that the next look finishes, and every step is safe to repeat. Null: it
 * has to do with none of our plans, and no record of it is kept.
 */
export async function applySubscription(
  deps: ApplySubscriptionDeps,
  seen: Pick<SubscriptionMessage, 'subscriptionId'> &
    Partial<Pick<SubscriptionMessage, 'pastDueEndsAtMs' | 'readsPayments'>>,
): Promise<Result<SubscriptionRecord | null, ApplySubscriptionPostponed>> {
  const { store, provider, catalogue } = deps;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    // Our record is read before Dodo's: an answer that is older than what another look saw then fails to be saved.
    const record = await store.readSubscription(seen.subscriptionId);
    const observed = await provider.readSubscription(seen.subscriptionId);
    if (!observed.ok) return observed;
    const { checkoutId, productId } = observed.value;
    // A payment method for refills is a subscription at Dodo too; so is whatever else the agency sells there.
    const isOurs = checkoutId !== null || planOfProduct(catalogue, productId) !== undefined;
    if (record === undefined && !isOurs) return ok(null);
    const checkout = checkoutId === null ? undefined : await store.readSubscriptionCheckout(checkoutId);
    const payments =
      seen.readsPayments === true
        ? await provider.readPayments(observed.value.id, observed.value.billing.startMs - PAID_BEFORE_MS)
        : undefined;
    if (payments?.ok === false) return payments;
    const tenantId = record?.tenantId ?? checkout?.tenantId;
    const current = tenantId === undefined ? undefined : await store.subscriptionOf(tenantId);
    const next = reconcileSubscription({
      catalogue,
      checkout,
      current,
      record,
      observed: observed.value,
      pastDueEndsAtMs: seen.pastDueEndsAtMs,
      payments: payments?.value,
      nowMs: deps.clock(),
    });
    if (next !== record && !(await store.saveSubscription(next))) continue;
    await applySteps(deps, next);
    return ok(next);
  }
  return err({ code: 'subscription_contended' });
}

async function applySteps(deps: ApplySubscriptionDeps, record: SubscriptionRecord): Promise<void> {
  const { tenantId, steps } = record;
  if (steps.length === 0) return;
  if (tenantId === null) throw new Error(`subscription ${record.id} has steps for nobody`);
  for (const step of steps) {
    const applied = await applyStep(deps.ledger, tenantId, step);
    // Every refusal is a fault of ours: the steps were made to fit. The message goes to the dead-letter queue.
    if (!applied.ok)
      throw new Error(`the ledger refused ${step.kind} ${step.sourceId}: ${applied.error.code}`);
  }
  await deps.store.clearSteps(record.id, record.version);
}

function applyStep(
  ledger: ApplySubscriptionDeps['ledger'],
  tenantId: TenantId,
  step: SubscriptionStep,
): Promise<Result<Applied, ApplyRefused>> {
  const { grantId, sourceId, reason } = step;
  const note = { tenantId, grantId, reason, actor: ACTOR, nowMs: step.atMs };
  const source = { kind: 'subscription', id: sourceId } as const;
  if (step.kind === 'take_back') {
    return ledger.clawBack({ ...note, source, amountMicro: step.amountMicro, sparesSpent: true });
  }
  if (step.kind !== 'grant') return ledger[step.kind]({ ...note, source });
  const { grantKind, amountMicro, expiresAtMs } = step;
  return ledger.grant({
    ...note,
    kind: grantKind,
    amountMicro,
    expiresAtMs,
    source: { kind: grantKind === 'overage' ? 'overage' : 'subscription', id: sourceId },
  });
}
