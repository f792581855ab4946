import type { KeyId } from '#core/shared/ids.ts';
import {
  type AccountLimits,
  type Counted,
  type Counter,
  LIMIT_KINDS,
  type LimitKind,
  type ScopeLimits,
} from './types.ts';
import { forgetPast, periodAt, slotAt } from './windows.ts';

/** What a hold was placed with, as far as limits need it. */
type EndedHold = {
  readonly keyId: KeyId;
  readonly amountMicro: number;
  readonly counted?: Counted;
};

/** Days, and months, whose spending is kept: the one that runs and the one before, whose last calls still end. */
const KEPT_PERIODS = 2;

/**
 * Takes back what a hold was counted as: its tokens, its credits, and that it runs. That a request was made stays.
 * What a settlement then charges is counted by `countCharge`.
 */
export function uncountHold(limits: AccountLimits, hold: EndedHold): AccountLimits {
  const { counted } = hold;
  if (counted === undefined) return limits;
  return eachCounter(limits, hold.keyId, (counter, kind) => {
    if (counter.since > counted.revision) return counter;
    if (kind === 'day' || kind === 'month') {
      const period = periodAt(kind, limits.timeZone, counted.atMs);
      return { ...counter, at: addAt(counter.at, period, -hold.amountMicro) };
    }
    if (counted.tokens === undefined || kind === 'requests') return counter;
    if (kind === 'tokens') return addTokens(counter, counted.atMs, -counted.tokens);
    return counted.ended === true ? counter : { ...counter, sum: counter.sum - 1 };
  });
}

/** The call of a hold has ended: it runs no longer, while its credits and tokens wait for the settlement. */
export function endCall(limits: AccountLimits, { keyId, counted }: EndedHold): AccountLimits {
  if (counted?.tokens === undefined || counted.ended === true) return limits;
  return eachCounter(limits, keyId, (counter, kind) =>
    kind === 'calls' && counter.since <= counted.revision ? { ...counter, sum: counter.sum - 1 } : counter,
  );
}

export type CountedCharge = {
  readonly keyId: KeyId;
  readonly startedAtMs: number;
  readonly chargedMicro: number;
  readonly tokens: number;
};

/** Counts what a call was charged and took, in the day, month and slot in which it began. */
export function countCharge(limits: AccountLimits, charge: CountedCharge): AccountLimits {
  return eachCounter(limits, charge.keyId, (counter, kind) => {
    if (kind === 'tokens') return addTokens(counter, charge.startedAtMs, charge.tokens);
    if (kind !== 'day' && kind !== 'month') return counter;
    const period = periodAt(kind, limits.timeZone, charge.startedAtMs);
    return { ...counter, at: newest(addPeriod(counter.at, period, charge.chargedMicro)) };
  });
}

/** Drops what has left the window, of the tenant's counters and a key's. */
export const forgetPastOf = (limits: AccountLimits, keyId: KeyId, nowMs: number): AccountLimits =>
  eachCounter(limits, keyId, (counter, kind) =>
    kind === 'requests' || kind === 'tokens' ? forgetPast(counter, nowMs) : counter,
  );

function addTokens(counter: Counter, atMs: number, tokens: number): Counter {
  const at = addAt(counter.at, slotAt(atMs), tokens);
  return at === counter.at ? counter : { ...counter, sum: counter.sum + tokens, at };
}

/** Adds where something counts; what was forgotten stays forgotten. */
const addAt = (at: Counter['at'], place: string, amount: number): Counter['at'] =>
  at[place] === undefined ? at : { ...at, [place]: at[place] + amount };

/** Adds to a period, a new one as well. What is older than all that is kept was forgotten, or never counted. */
function addPeriod(at: Counter['at'], period: string, amount: number): Counter['at'] {
  const isOld = Object.keys(at).length > 0 && Object.keys(at).every((kept) => kept > period);
  return isOld ? at : { ...at, [period]: (at[period] ?? 0) + amount };
}

const newest = (at: Counter['at']): Counter['at'] =>
  Object.fromEntries(
    Object.entries(at)
      .sort(([a], [b]) => (a < b ? 1 : -1))
      .slice(0, KEPT_PERIODS),
  );

function eachCounter(
  limits: AccountLimits,
  keyId: KeyId,
  change: (counter: Counter, kind: LimitKind) => Counter,
): AccountLimits {
  const scopes = { ...limits.scopes };
  for (const name of ['tenant', keyId]) {
    const scope = scopes[name];
    if (scope !== undefined) scopes[name] = changed(scope, change);
  }
  return { ...limits, scopes };
}

function changed(scope: ScopeLimits, change: (counter: Counter, kind: LimitKind) => Counter): ScopeLimits {
  const counters: { -readonly [Kind in LimitKind]?: Counter } = {};
  for (const kind of LIMIT_KINDS) {
    const counter = scope[kind];
    if (counter !== undefined) counters[kind] = change(counter, kind);
  }
  return { ...scope, ...counters };
}
