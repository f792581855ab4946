import type { KeyId } from '#core/shared/ids.ts';

/**
 * What can be limited: requests and tokens in any 60 seconds, calls running at once, and credits spent in a day and
 * a month of the tenant's calendar.
 */
export const LIMIT_KINDS = ['requests', 'tokens', 'calls', 'day', 'month'] as const;
export type LimitKind = (typeof LIMIT_KINDS)[number];

/** The limits of one scope, as they are set. Absent: no limit. `day` and `month` are µcr, the others plain counts. */
export type LimitRules = Partial<Readonly<Record<LimitKind, number>>>;

/** Whose limits: the whole tenant's, or one key's. A key's calls count against both. */
export type LimitScope = 'tenant' | KeyId;

/** One limit and what counts against it now. Kept in the account's item, so its names are short. */
export type Counter = {
  readonly max: number;
  /** The revision at which counting began: a hold from before it was never counted here. */
  readonly since: number;
  /** What counts now; for `requests` and `tokens` all of `at`, for `calls` the running ones; else unused. */
  readonly sum: number;
  /** For `requests` and `tokens` by slot of time (see windows.ts), for `day` and `month` by period. */
  readonly at: Readonly<Record<string, number>>;
};

/** A lower number of requests a minute for a time, after unusual use. */
export type Slowdown = { readonly max: number; readonly untilMs: number };

export type ScopeLimits = Partial<Readonly<Record<LimitKind, Counter>>> & { readonly slow?: Slowdown };

/** All limits of one tenant with their counters: a part of its account. */
export type AccountLimits = {
  /** Grows with every change of what is limited: a hold that was planned by an older one is not placed. */
  readonly revision: number;
  /** IANA's name; days and months begin at its midnight. */
  readonly timeZone: string;
  readonly scopes: Readonly<Record<string, ScopeLimits>>;
  /** What becomes of a key that is used in an unusual way; absent: only an alert. */
  readonly onUnusual?: { readonly requests: number; readonly minutes: number };
};

/** What a hold was counted as, kept in the hold, so that whoever ends it takes exactly that back. */
export type Counted = {
  readonly revision: number;
  readonly atMs: number;
  /** The most tokens that the call may take; absent: the hold is for no call, and only spend caps count it. */
  readonly tokens?: number;
  /** The call has ended though its settlement has not come: it runs no longer. */
  readonly ended?: true;
};

/** Something that is about to spend: what limits look at. */
export type LimitedUse = {
  readonly keyId: KeyId;
  readonly amountMicro: number;
  readonly nowMs: number;
  readonly tokens?: number;
};

/** The limit that refuses a use. */
export type LimitReached = {
  readonly code: 'limit_reached';
  readonly scope: 'tenant' | 'key';
  readonly kind: LimitKind;
  readonly max: number;
  /** What is left of it now. */
  readonly left: number;
  /** When the same use may pass, if nothing else happens; absent: never, it alone is above the limit. */
  readonly retryAfterMs?: number;
};

/** Where the tightest of a caller's limits of one kind stands. */
export type Allowance = { readonly max: number; readonly left: number; readonly resetMs: number };

/** What a caller learns of its limits with an answer. */
export type LimitStatus = {
  readonly requests?: Allowance;
  readonly tokens?: Allowance;
  /** Whether running calls are counted, so that the end of this one should be told at once. */
  readonly countsCalls: boolean;
};
