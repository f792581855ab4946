import type { KeyId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import {
  type AccountLimits,
  type Counter,
  LIMIT_KINDS,
  type LimitKind,
  type LimitRules,
  type LimitScope,
  type ScopeLimits,
  type Slowdown,
} from './types.ts';
import { periodAt } from './windows.ts';

/** Keys of one tenant that may have limits of their own: their counters live in the account's item (see README). */
export const MAX_LIMITED_KEYS = 50;

/** More than anybody asks for: where a key is slowed that had no limit of its own. */
export const NO_LIMIT = 1_000_000_000;

/** What a key, or the whole tenant, was charged since the day and since the month began. */
export type SpentSoFar = (scope: string, kind: 'day' | 'month') => number;

export type LimitChange = {
  readonly scope: LimitScope;
  /** All limits of the scope from now on: what is absent is no longer limited. */
  readonly rules: LimitRules;
  /** Of the whole tenant. Absent: it stays. */
  readonly timeZone?: string;
  /** Of the whole tenant. Absent: it stays; null: unusual use is only told. */
  readonly onUnusual?: { readonly requests: number; readonly minutes: number } | null;
  readonly nowMs: number;
};

export type LimitChangeRefused = { readonly code: 'too_many_limited_keys' };

const NONE: AccountLimits = { revision: 0, timeZone: 'UTC', scopes: {} };

/**
 * Sets the limits of one scope. What is limited already keeps its count; what is limited anew begins at nothing,
 * spend caps at what was charged in their period. A key that was slowed is slow no longer.
 */
export function changeLimits(
  before: AccountLimits | undefined,
  change: LimitChange,
  spent: SpentSoFar,
): Result<AccountLimits, LimitChangeRefused> {
  const known = before ?? NONE;
  const revision = known.revision + 1;
  const timeZone = change.timeZone ?? known.timeZone;
  const isMoved = timeZone !== known.timeZone;
  const place = (kind: 'day' | 'month') => periodAt(kind, timeZone, change.nowMs);
  const counterOf = (scope: string, kind: LimitKind, max: number): Counter => {
    const isPeriod = kind === 'day' || kind === 'month';
    const counter = known.scopes[scope]?.[kind];
    if (counter !== undefined && !(isPeriod && isMoved)) return { ...counter, max };
    return { max, since: revision, sum: 0, at: isPeriod ? { [place(kind)]: spent(scope, kind) } : {} };
  };
  const scopes: Record<string, ScopeLimits> = {};
  for (const scope of new Set([...Object.keys(known.scopes), change.scope])) {
    const old = known.scopes[scope] ?? {};
    const rules = scope === change.scope ? change.rules : rulesOf(old);
    const counters = eachRule(rules, (kind, max) => counterOf(scope, kind, max));
    const slow = scope === change.scope || old.slow === undefined ? {} : { slow: old.slow };
    if (Object.keys(counters).length > 0) scopes[scope] = { ...counters, ...slow };
  }
  if (limitedKeys(scopes) > MAX_LIMITED_KEYS) return err({ code: 'too_many_limited_keys' });
  const onUnusual = change.onUnusual === undefined ? known.onUnusual : (change.onUnusual ?? undefined);
  return ok({ revision, timeZone, scopes, ...(onUnusual === undefined ? {} : { onUnusual }) });
}

/** Slows a key for a time. One that had no limit of requests counts them from now on. */
export function slowKey(
  before: AccountLimits | undefined,
  keyId: KeyId,
  slow: Slowdown,
): Result<AccountLimits, LimitChangeRefused> {
  const known = before ?? NONE;
  const revision = known.revision + 1;
  const scope = known.scopes[keyId] ?? {};
  const requests = scope.requests ?? { max: NO_LIMIT, since: revision, sum: 0, at: {} };
  const scopes = { ...known.scopes, [keyId]: { ...scope, requests, slow } };
  if (limitedKeys(scopes) > MAX_LIMITED_KEYS) return err({ code: 'too_many_limited_keys' });
  return ok({ ...known, revision, scopes });
}

/** The limits of a scope as they were set. */
export function rulesOf(counters: ScopeLimits): LimitRules {
  const rules: { -readonly [Kind in LimitKind]?: number } = {};
  for (const kind of LIMIT_KINDS) {
    const counter = counters[kind];
    if (counter !== undefined) rules[kind] = counter.max;
  }
  return rules;
}

function eachRule(rules: LimitRules, make: (kind: LimitKind, max: number) => Counter): ScopeLimits {
  const counters: { -readonly [Kind in LimitKind]?: Counter } = {};
  for (const kind of LIMIT_KINDS) {
    const max = rules[kind];
    if (max !== undefined) counters[kind] = make(kind, max);
  }
  return counters;
}

const limitedKeys = (scopes: AccountLimits['scopes']): number =>
  Object.keys(scopes).filter((scope) => scope !== 'tenant').length;
