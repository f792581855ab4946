import { applyPayment } from '#core/billing/applyPayment.ts';
import type { Notice } from '#core/notices/types.ts';
import { endIntent, type IntentEnd, markPaid, markSent } from './refillRules.ts';
import type { RefillDeps, RefillStep } from './refillTenant.ts';
import type { RefillIntent, RefillState } from './types.ts';

const MINUTE_MS = 60_000;
/**
 * How long a charge without an answer may still be on its way. Only when Dodo shows nothing after that is it sent
 * again; Dodo itself refuses a second charge while a first one is open.
 */
const UNKNOWN_FOR_MS = 15 * MINUTE_MS;
/**
 * Their clock and ours may differ, and a checkout's id is in no other payment: a wide search finds no wrong one. Yet
 * it reads no more than a year of refills.
 */
const SEARCH_BEFORE_MS = 400 * 1_440 * MINUTE_MS;
const MAX_SENDS = 5;
/** Ends of a payment without money. */
const FAILED_STATUSES = new Set(['failed', 'cancelled']);
const MAX_DETAIL = 200;

const WENT_ON: RefillStep = { kind: 'went_on' };
const rests = (why: Extract<RefillStep, { readonly kind: 'rests' }>['why']): RefillStep => ({
  kind: 'rests',
  why,
});

/** One step of an open intent: send the charge, find out about it, or close it. */
export async function carryOn(
  deps: RefillDeps,
  state: RefillState,
  intent: RefillIntent,
): Promise<RefillStep> {
  if (intent.paymentId !== null) return settle(deps, state, intent, intent.paymentId);
  if (intent.sentAtMs === null) return send(deps, state, intent);
  return lookUp(deps, state, intent, intent.sentAtMs);
}

/** Says that it will charge, and charges. Only the run whose write stands may: of many, one. */
async function send(deps: RefillDeps, state: RefillState, intent: RefillIntent): Promise<RefillStep> {
  await offer(deps, state, intent);
  const sent = markSent(state, intent, deps.world.clock());
  if (!(await deps.store.save(sent)) || sent.open === null) return WENT_ON;
  const charged = await deps.mandates.charge({
    mandateId: intent.mandateId,
    amountMinor: intent.pack.priceMinor,
    currency: intent.pack.currency,
    description: intent.pack.name,
    checkoutId: intent.checkoutId,
  });
  if (charged.ok) {
    await deps.store.save(markPaid(sent, sent.open, charged.value.paymentId));
    return WENT_ON;
  }
  if (charged.error.code === 'payment_provider_unavailable') return rests('outcome_unknown');
  return end(deps, sent, sent.open, { outcome: 'failed', detail: charged.error.detail });
}

/** The offer that the payment will be measured against: written once, before any charge. */
async function offer(deps: RefillDeps, { tenantId }: RefillState, intent: RefillIntent): Promise<void> {
  const tenant = await deps.directory.readTenant(tenantId);
  if (tenant?.dodoCustomerId === undefined)
    throw new Error(`${intent.id} is for a tenant without a customer`);
  const { checkout } = await deps.billing.createCheckout({
    id: intent.checkoutId,
    tenantId,
    customerId: tenant.dodoCustomerId,
    pack: intent.pack,
    quantity: 1,
    returnUrl: null,
    idempotencyKey: intent.id,
    createdAtMs: intent.createdAtMs,
    session: null,
    mandateId: intent.mandateId,
    paymentId: null,
  });
  if (checkout.id !== intent.checkoutId) throw new Error(`${intent.id} has another checkout`);
}

/** A charge was sent and its answer is not known: before anything else, Dodo is asked what it has. */
async function lookUp(
  deps: RefillDeps,
  state: RefillState,
  intent: RefillIntent,
  sentAtMs: number,
): Promise<RefillStep> {
  const found = await deps.mandates.findCharge({
    mandateId: intent.mandateId,
    checkoutId: intent.checkoutId,
    sinceMs: intent.createdAtMs - SEARCH_BEFORE_MS,
  });
  if (!found.ok) return rests('provider_unavailable');
  if (found.value !== null) {
    await deps.store.save(markPaid(state, intent, found.value.paymentId));
    return WENT_ON;
  }
  if (deps.world.clock() - sentAtMs < UNKNOWN_FOR_MS) return rests('outcome_unknown');
  if (intent.sends < MAX_SENDS) return send(deps, state, intent);
  return end(deps, state, intent, { outcome: 'failed', detail: 'the payment provider takes no charge' });
}

/** Dodo has a payment: grants it, or closes the intent as what it came to. */
async function settle(
  deps: RefillDeps,
  state: RefillState,
  intent: RefillIntent,
  paymentId: string,
): Promise<RefillStep> {
  const applied = await applyPayment(deps.payments, {
    webhookId: intent.id,
    type: 'refill',
    paymentId,
    status: null,
    refundId: null,
    disputeId: null,
  });
  if (!applied.ok) {
    const isDown = applied.error.code === 'payment_provider_unavailable';
    return rests(isDown ? 'provider_unavailable' : 'payment_postponed');
  }
  const { outcome, status, reason } = applied.value;
  if (outcome === 'granted') return end(deps, state, intent, { outcome: 'succeeded', detail: null });
  if (outcome !== 'waiting') return end(deps, state, intent, { outcome: 'unmatched', detail: reason });
  if (status === null || !FAILED_STATUSES.has(status)) return rests('payment_open');
  return end(deps, state, intent, { outcome: 'failed', detail: `the payment ${status}` });
}

/** Tells who should know, then closes: a crash in between tells once all the same, for a notice has an id. */
async function end(
  deps: RefillDeps,
  before: RefillState,
  intent: RefillIntent,
  how: Omit<IntentEnd, 'nowMs'>,
): Promise<RefillStep> {
  const detail = how.detail === null ? null : how.detail.slice(0, MAX_DETAIL);
  const { state, ended } = endIntent(before, intent, { ...how, detail, nowMs: deps.world.clock() });
  const content = contentOf(state, intent, ended.outcome);
  if (content !== undefined) {
    await deps.notices.add({
      id: `${content.kind}/${intent.id}`,
      to: 'client',
      tenantId: state.tenantId,
      content,
      createdAtMs: ended.endedAtMs,
    });
  }
  if (!(await deps.store.save(state, ended))) return WENT_ON;
  return { kind: 'went_on', ended: { id: intent.id, outcome: ended.outcome, detail } };
}

function contentOf(
  state: RefillState,
  { pack }: RefillIntent,
  outcome: IntentEnd['outcome'],
): Notice['content'] | undefined {
  if (outcome === 'succeeded') return undefined;
  if (state.stopped === null) {
    return { kind: 'refill_failed', pack: pack.name, nextTryAtMs: state.notBeforeMs };
  }
  return { kind: 'refill_stopped', pack: pack.name, failures: state.failures };
}
