import { NO_LIMIT } from '#core/limits/changeLimits.ts';
import type { LimitsOf } from '#core/limits/setLimits.ts';
import type { AccountLimits, Counter, ScopeLimits } from '#core/limits/types.ts';
import { forgetPast, periodAt } from '#core/limits/windows.ts';
import { formatCredits, micro } from '#core/shared/money.ts';
import { toSeconds } from './fields.ts';

/** Limits of a tenant or a key, with what counts against them at this moment. Null: not limited. */
export function limitsBody(of: LimitsOf, limits: AccountLimits | undefined, nowMs: number) {
  const { tenantId, keyId } = of;
  const scope = limits?.scopes[keyId ?? 'tenant'] ?? {};
  const timeZone = limits?.timeZone ?? 'UTC';
  const head = {
    object: 'limits',
    tenant: tenantId,
    key: keyId ?? null,
    ...rulesBody(scope),
    time_zone: timeZone,
    used: usedBody(scope, timeZone, nowMs),
  };
  if (keyId !== undefined) return { ...head, slowed: slowedBody(scope, nowMs) };
  const { onUnusual } = limits ?? {};
  const keys = Object.entries(limits?.scopes ?? {}).filter(([name]) => name !== 'tenant');
  return {
    ...head,
    on_unusual_use:
      onUnusual === undefined
        ? null
        : { requests_per_minute: onUnusual.requests, minutes: onUnusual.minutes },
    keys: keys.map(([key, its]) => ({ key, ...rulesBody(its), slowed: slowedBody(its, nowMs) })),
  };
}

const count = (counter: Counter | undefined): number | null =>
  counter === undefined || counter.max >= NO_LIMIT ? null : counter.max;

const credits = (counter: Counter | undefined): string | null =>
  counter === undefined ? null : formatCredits(micro(counter.max));

const rulesBody = ({ requests, tokens, calls, day, month }: ScopeLimits) => ({
  requests_per_minute: count(requests),
  tokens_per_minute: count(tokens),
  concurrent_calls: count(calls),
  credits_per_day: credits(day),
  credits_per_month: credits(month),
});

/** What is held counts too, so that this may be more than was charged. Null: not counted. */
function usedBody({ requests, tokens, calls, day, month }: ScopeLimits, timeZone: string, nowMs: number) {
  const window = (counter: Counter | undefined) =>
    counter === undefined ? null : forgetPast(counter, nowMs).sum;
  const period = (kind: 'day' | 'month', counter: Counter | undefined) =>
    counter === undefined ? null : formatCredits(micro(counter.at[periodAt(kind, timeZone, nowMs)] ?? 0));
  return {
    requests: window(requests),
    tokens: window(tokens),
    concurrent_calls: calls?.sum ?? null,
    credits_today: period('day', day),
    credits_this_month: period('month', month),
  };
}

const slowedBody = ({ slow }: ScopeLimits, nowMs: number) =>
  slow === undefined || slow.untilMs <= nowMs
    ? null
    : { requests_per_minute: slow.max, until: toSeconds(slow.untilMs) };
