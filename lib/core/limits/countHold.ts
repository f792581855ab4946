import { err, ok, type Result } from '#core/shared/result.ts';
import {
  type AccountLimits,
  type Counted,
  type Counter,
  LIMIT_KINDS,
  type LimitedUse,
  type LimitKind,
  type LimitReached,
  type ScopeLimits,
} from './types.ts';
import { forgetPast, nextPeriodMs, periodAt, slotAt, slotEndsMs } from './windows.ts';

/** What a use asks of one counter. */
export type Demand = {
  readonly scope: string;
  readonly kind: LimitKind;
  readonly counter: Counter;
  /** What may count at most: the limit, or the lower one of a slowed key. */
  readonly max: number;
  readonly amount: number;
  /** Where in `at` it counts; absent for running calls. */
  readonly place?: string;
  /** Whether `sum` is what the limit looks at, and not the one place. */
  readonly isSum: boolean;
};

/** Calls end at moments that nobody knows. */
const CALL_RETRY_MS = 1_000;

/** What a use asks of the tenant's counters and of its key's. Something that is no call asks of the spend caps alone. */
export function demandsOf(limits: AccountLimits, use: LimitedUse): readonly Demand[] {
  const demands: Demand[] = [];
  for (const scope of ['tenant', use.keyId]) {
    const counters = limits.scopes[scope] ?? {};
    for (const kind of LIMIT_KINDS) {
      const counter = counters[kind];
      if (counter === undefined) continue;
      if (kind === 'day' || kind === 'month') {
        const place = periodAt(kind, limits.timeZone, use.nowMs);
        demands.push({
          scope,
          kind,
          counter,
          max: counter.max,
          amount: use.amountMicro,
          place,
          isSum: false,
        });
      } else if (use.tokens !== undefined) {
        const max = kind === 'requests' ? slowedMax(counters, use.nowMs) : counter.max;
        const amount = kind === 'tokens' ? use.tokens : 1;
        const place = kind === 'calls' ? {} : { place: slotAt(use.nowMs) };
        demands.push({ scope, kind, counter, max, amount, isSum: true, ...place });
      }
    }
  }
  return demands;
}

/** The requests that a scope may make a minute now. */
export function slowedMax({ requests, slow }: ScopeLimits, nowMs: number): number {
  const max = requests?.max ?? Number.POSITIVE_INFINITY;
  return slow !== undefined && slow.untilMs > nowMs ? Math.min(max, slow.max) : max;
}

/** `forgot`: there was room only without what has left the window. */
export type CountedHold = {
  readonly limits: AccountLimits;
  readonly counted: Counted;
  readonly forgot: boolean;
};

/** Counts a use against every limit that it meets, or against none. Error: the limit that refuses it. */
export function countHold(limits: AccountLimits, use: LimitedUse): Result<CountedHold, LimitReached> {
  const counted = countedAs(limits, use);
  const demands = demandsOf(limits, use);
  if (demands.every(fits)) return ok({ limits: take(limits, demands), counted, forgot: false });
  const fresh = demands.map((demand) => forgetting(demand, use.nowMs));
  const refused = fresh.find((demand) => !fits(demand));
  if (refused !== undefined) return err(reached(limits, refused, use.nowMs));
  return ok({ limits: take(limits, fresh), counted, forgot: true });
}

/** What the hold keeps of being counted. */
export const countedAs = ({ revision }: AccountLimits, { nowMs, tokens }: LimitedUse): Counted => ({
  revision,
  atMs: nowMs,
  ...(tokens === undefined ? {} : { tokens }),
});

const used = ({ counter, place, isSum }: Demand): number =>
  isSum ? counter.sum : (counter.at[place ?? ''] ?? 0);

const fits = (demand: Demand): boolean => used(demand) + demand.amount <= demand.max;

/** The demand on its counter as it is without what has left the window. */
const forgetting = (demand: Demand, nowMs: number): Demand =>
  demand.kind === 'requests' || demand.kind === 'tokens'
    ? { ...demand, counter: forgetPast(demand.counter, nowMs) }
    : demand;

function take(limits: AccountLimits, demands: readonly Demand[]): AccountLimits {
  const scopes = { ...limits.scopes };
  for (const { scope, kind, counter, amount, place, isSum } of demands) {
    const at =
      place === undefined ? counter.at : { ...counter.at, [place]: (counter.at[place] ?? 0) + amount };
    const sum = isSum ? counter.sum + amount : counter.sum;
    scopes[scope] = { ...scopes[scope], [kind]: { ...counter, sum, at } };
  }
  return { ...limits, scopes };
}

function reached({ timeZone }: AccountLimits, demand: Demand, nowMs: number): LimitReached {
  const { scope, kind, max, amount } = demand;
  const left = Math.max(0, max - used(demand));
  const retryAfterMs = amount > max ? undefined : retryMs(demand, timeZone, nowMs);
  return {
    code: 'limit_reached',
    scope: scope === 'tenant' ? 'tenant' : 'key',
    kind,
    max,
    left,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

function retryMs(demand: Demand, timeZone: string, nowMs: number): number {
  const { kind, counter, max, amount } = demand;
  if (kind === 'calls') return CALL_RETRY_MS;
  if (kind === 'day' || kind === 'month') return nextPeriodMs(kind, timeZone, nowMs) - nowMs;
  let over = counter.sum + amount - max;
  const oldestFirst = Object.entries(counter.at).map(([slot, n]) => ({ endsMs: slotEndsMs(slot), n }));
  for (const { endsMs, n } of oldestFirst.sort((a, b) => a.endsMs - b.endsMs)) {
    over -= n;
    if (over <= 0) return Math.max(endsMs - nowMs, 1);
  }
  return CALL_RETRY_MS;
}
