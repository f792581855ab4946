import type { CreditPack } from '#core/billing/types.ts';
import { prepaid } from '#core/ledger/account.ts';
import type { Account } from '#core/ledger/types.ts';
import type { CheckoutId, RefillId, TenantId } from '#core/shared/ids.ts';
import type { EndedRefill, RefillIntent, RefillSettings, RefillState } from './types.ts';

const HOUR_MS = 3_600_000;
/** The wait after the first, second and third failure in a row; the next one stops the refills. */
const BACK_OFF_HOURS = [1, 6, 24];

/** Why no refill begins now. */
export type NoRefill =
  | 'not_enabled'
  | 'account_not_active'
  | 'enough_credits'
  | 'no_payment_method'
  | 'stopped'
  | 'backing_off'
  | 'limit_reached'
  | 'pack_not_on_sale';

export type RefillQuestion = {
  readonly state: RefillState;
  readonly account: Account | undefined;
  /** The pack that the settings name; undefined when it is no longer sold. */
  readonly pack: CreditPack | undefined;
  readonly month: string;
  readonly nowMs: number;
};

/** Why a tenant without an open intent gets no refill now; undefined: it should get one. */
export function whyNoRefill({ state, account, pack, month, nowMs }: RefillQuestion): NoRefill | undefined {
  const { settings } = state;
  if (!settings.isEnabled) return 'not_enabled';
  if (account?.status !== 'active') return 'account_not_active';
  if (prepaid(account) >= settings.thresholdMicro) return 'enough_credits';
  if (state.stopped !== null) return 'stopped';
  if (nowMs < state.notBeforeMs) return 'backing_off';
  if (refillsIn(state, month) >= settings.monthlyLimit) return 'limit_reached';
  if (pack === undefined) return 'pack_not_on_sale';
  return undefined;
}

/** Whether the tenant was sent to give a payment method a moment ago: then one is looked for although none is needed yet. */
export const awaitsMandate = (state: RefillState, nowMs: number): boolean =>
  state.settings.isEnabled &&
  state.mandateId === null &&
  state.mandateAskedAtMs !== null &&
  nowMs - state.mandateAskedAtMs < HOUR_MS;

/** The payment method is known from now on; whatever failed before was another one's fault. */
export const keepMandate = (state: RefillState, mandateId: string): RefillState => ({
  ...next(state),
  mandateId,
  mandateAskedAtMs: null,
});

/** How many refills count in a month. */
export const refillsIn = (state: RefillState, month: string): number =>
  state.month === month ? state.refillsInMonth : 0;

/** The state with a new intent, which counts in its month from now on. */
export function beginIntent(
  state: RefillState,
  begin: {
    readonly id: RefillId;
    readonly checkoutId: CheckoutId;
    readonly mandateId: string;
    readonly pack: CreditPack;
    readonly month: string;
    readonly nowMs: number;
  },
): RefillState {
  const { nowMs, ...intent } = begin;
  return {
    ...next(state),
    mandateId: begin.mandateId,
    open: { ...intent, createdAtMs: nowMs, sends: 0, sentAtMs: null, paymentId: null },
    month: begin.month,
    refillsInMonth: refillsIn(state, begin.month) + 1,
  };
}

/** The state in which a charge is about to be sent: from here on its outcome is unknown until Dodo says it. */
export const markSent = (state: RefillState, intent: RefillIntent, nowMs: number): RefillState => ({
  ...next(state),
  open: { ...intent, sends: intent.sends + 1, sentAtMs: nowMs },
});

export const markPaid = (state: RefillState, intent: RefillIntent, paymentId: string): RefillState => ({
  ...next(state),
  open: { ...intent, paymentId },
});

export type IntentEnd = Pick<EndedRefill, 'outcome' | 'detail'> & { readonly nowMs: number };

/**
 * Closes the open intent. A failure gives its place in the month back and makes the next one wait, longer each time
 * and in the end for good; it also forgets the payment method, so that a new one is found.
 */
export function endIntent(
  state: RefillState,
  intent: RefillIntent,
  { outcome, detail, nowMs }: IntentEnd,
): { readonly state: RefillState; readonly ended: EndedRefill } {
  const ended: EndedRefill = { ...intent, tenantId: state.tenantId, outcome, detail, endedAtMs: nowMs };
  const closed = { ...next(state), open: null };
  if (outcome === 'succeeded') return { ended, state: { ...closed, failures: 0, notBeforeMs: 0 } };
  if (outcome === 'unmatched') return { ended, state: { ...closed, stopped: 'payment_unmatched' } };
  const waitHours = BACK_OFF_HOURS[state.failures];
  return {
    ended,
    state: {
      ...closed,
      mandateId: null,
      failures: state.failures + 1,
      notBeforeMs: nowMs + (waitHours ?? 0) * HOUR_MS,
      stopped: waitHours === undefined ? 'payment_failed' : null,
      refillsInMonth: state.month === intent.month ? state.refillsInMonth - 1 : state.refillsInMonth,
    },
  };
}

/** A tenant that never had refills; what is written first has version 1. */
export const newRefillState = (tenantId: TenantId, settings: RefillSettings): RefillState => ({
  tenantId,
  version: 0,
  settings,
  setAtMs: 0,
  mandateId: null,
  mandateAskedAtMs: null,
  open: null,
  failures: 0,
  notBeforeMs: 0,
  stopped: null,
  month: '',
  refillsInMonth: 0,
});

/** New settings: what failed before is forgotten, and what is open goes on. */
export const changeSettings = (
  state: RefillState,
  change: Pick<RefillState, 'settings' | 'setAtMs' | 'mandateId' | 'mandateAskedAtMs'>,
): RefillState => ({ ...next(state), ...change, failures: 0, notBeforeMs: 0, stopped: null });

/** The state without its failures; undefined when there are none, or when only a person may end the stop. */
export function forgetFailures(state: RefillState): RefillState | undefined {
  if (state.stopped === 'payment_unmatched' || state.stopped === 'payment_returned') return undefined;
  if (state.failures === 0) return undefined;
  return { ...next(state), failures: 0, notBeforeMs: 0, stopped: null };
}

/** A refill was returned: nothing is charged until the refill is set anew. */
export const stopReturned = (state: RefillState): RefillState => ({
  ...next(state),
  stopped: 'payment_returned',
});

const next = (state: RefillState): RefillState => ({ ...state, version: state.version + 1 });
