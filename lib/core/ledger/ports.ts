import type { LimitChange, LimitChangeRefused } from '#core/limits/changeLimits.ts';
import type { AccountLimits, LimitReached, LimitStatus, Slowdown } from '#core/limits/types.ts';
import type { UsageEvent } from '#core/metering/types.ts';
import type { RatedInMonth } from '#core/pricing/rateInMonth.ts';
import type { GrantId, HoldId, KeyId, TenantId } from '#core/shared/ids.ts';
import type { MicroCredits } from '#core/shared/money.ts';
import type { Result } from '#core/shared/result.ts';
import type {
  Account,
  AccountStatus,
  Entry,
  EntryKind,
  EntrySource,
  GrantKind,
  GrantRecord,
  UsageRollup,
} from './types.ts';

export type PlaceHold = {
  readonly tenantId: TenantId;
  readonly keyId: KeyId;
  readonly holdId: HoldId;
  readonly amountMicro: MicroCredits;
  readonly nowMs: number;
  readonly expiresAtMs: number;
  /** The most tokens of the call that it is for. Absent: it is for no call, and only spend caps count it. */
  readonly tokens?: number;
};

/** `limits`: where the caller's limits stand now; absent where there are none. */
export type HoldPlaced = { readonly availableMicro: MicroCredits; readonly limits?: LimitStatus };

export type HoldRefused =
  | { readonly code: 'insufficient_credits'; readonly availableMicro: MicroCredits }
  | { readonly code: 'account_suspended' }
  | { readonly code: 'key_stopped' }
  | { readonly code: 'too_many_holds' }
  | (LimitReached & { readonly limits: LimitStatus })
  | { readonly code: 'account_not_found' };

/**
 * A rated usage event, ready to be settled against its hold. What `monthly` adds to `amountMicro` is known when it is
 * settled: it depends on what the month has by then.
 */
export type Charge = { readonly event: UsageEvent } & RatedInMonth;

export type SettledCharge =
  | {
      readonly outcome: 'settled';
      readonly chargedMicro: MicroCredits;
      readonly shortfallMicro: MicroCredits;
    }
  | { readonly outcome: 'duplicate' };

export type Grant = {
  readonly tenantId: TenantId;
  readonly grantId: GrantId;
  readonly kind: GrantKind;
  readonly amountMicro: MicroCredits;
  readonly expiresAtMs?: number;
  readonly source: EntrySource;
  readonly reason: string;
  readonly actor: string;
  readonly nowMs: number;
};

export type Debit = Omit<Grant, 'grantId' | 'kind' | 'expiresAtMs'>;

/**
 * Takes credits of one grant back, into debt where they were spent, so that the order of events does not matter;
 * all claw-backs and expiries of a grant together never take more than it gave. It ends this source's freeze.
 */
export type ClawBack = Debit & {
  readonly grantId: GrantId;
  /** Only what is neither spent nor held by a call; so it never makes debt. */
  readonly sparesSpent?: boolean;
};

/** `applied` the first time, `duplicate` for the same source and input, `idempotency_conflict` for the same source with another input. */
export type Applied = { readonly outcome: 'applied' | 'duplicate'; readonly account: Account };
/** `too_many_grants`: the account has as many open grants, or as many credits, as an account may have. */
export type ApplyRefused =
  | { readonly code: 'account_not_found' }
  | { readonly code: 'idempotency_conflict' }
  | { readonly code: 'grant_not_found' }
  | { readonly code: 'too_many_grants' }
  | { readonly code: 'insufficient_credits'; readonly availableMicro: MicroCredits };

export type AccountRefused = { readonly code: 'account_not_found' } | { readonly code: 'account_closed' };

/** Which entries to list: of one UTC day, kind, kind of source, model; a filtered page may hold fewer than `limit`. */
export type EntryQuery = {
  readonly limit: number;
  readonly cursor?: string;
  readonly day?: string;
  readonly kind?: EntryKind;
  readonly source?: EntrySource['kind'];
  readonly model?: string;
};

export type BadCursor = { readonly code: 'invalid_cursor' };

export type EntryPage = { readonly entries: readonly Entry[]; readonly nextCursor: string | null };

/**
 * The account book of every tenant. Each method is atomic and safe to repeat; each retries the database's
 * transient refusals (conflicts, throttling) within a named limit and throws `LedgerUnavailable` past it.
 */
export type Ledger = {
  /** Opens an empty account; repeating it changes nothing. */
  readonly openAccount: (tenantId: TenantId, overdraftLimitMicro: MicroCredits) => Promise<void>;
  readonly readAccount: (tenantId: TenantId) => Promise<Account | undefined>;
  readonly setStatus: (
    tenantId: TenantId,
    status: AccountStatus,
  ) => Promise<Result<AccountStatus, AccountRefused>>;
  /** Stops a key from `fromMs` on, for every hold placed after it. An earlier stop stays. */
  readonly stopKey: (
    tenantId: TenantId,
    keyId: KeyId,
    fromMs: number,
  ) => Promise<Result<number, AccountRefused>>;
  /** One conditional write: available ≥ amount, status active, key not stopped, within limits. Refused: nothing changed. */
  readonly placeHold: (hold: PlaceHold) => Promise<Result<HoldPlaced, HoldRefused>>;
  /** Tells that a call has ended whose hold waits for its settlement: it counts as running no longer. */
  readonly endCall: (tenantId: TenantId, holdId: HoldId) => Promise<void>;
  /** Returns a hold in full. `already_ended` when it was settled, voided or expired before. */
  readonly voidHold: (tenantId: TenantId, holdId: HoldId) => Promise<'voided' | 'already_ended'>;
  /** Sets what a tenant or one of its keys may use, for every hold placed after it. */
  readonly setLimits: (
    tenantId: TenantId,
    change: LimitChange,
  ) => Promise<Result<AccountLimits, AccountRefused | LimitChangeRefused>>;
  /** Lowers a key's requests a minute until a moment. */
  readonly slowKey: (
    tenantId: TenantId,
    slowed: { readonly keyId: KeyId; readonly slow: Slowdown },
  ) => Promise<Result<AccountLimits, AccountRefused | LimitChangeRefused>>;
  /** Settles rated events of one tenant, in as few transactions as fit; the outcomes are in the order of the charges. */
  readonly settle: (tenantId: TenantId, charges: readonly Charge[]) => Promise<readonly SettledCharge[]>;
  readonly grant: (grant: Grant) => Promise<Result<Applied, ApplyRefused>>;
  /** Takes from available, never below zero. */
  readonly debit: (debit: Debit) => Promise<Result<Applied, ApplyRefused>>;
  readonly clawBack: (clawBack: ClawBack) => Promise<Result<Applied, ApplyRefused>>;
  /** Moves what is left of a grant out of reach while a dispute is open; `release` brings it back. */
  readonly freeze: (freeze: Omit<ClawBack, 'amountMicro'>) => Promise<Result<Applied, ApplyRefused>>;
  readonly release: (release: Omit<ClawBack, 'amountMicro'>) => Promise<Result<Applied, ApplyRefused>>;
  /** Ends what is past its time: holds return to available and are reported, grants lose what is left of them. */
  readonly expire: (
    tenantId: TenantId,
    nowMs: number,
  ) => Promise<{ readonly holds: readonly HoldId[]; readonly grants: readonly GrantId[] }>;
  /** One grant's life so far; undefined when there is none of that id. */
  readonly readGrant: (tenantId: TenantId, grantId: GrantId) => Promise<GrantRecord | undefined>;
  /** Newest first, at most `limit` (≤ 100). Errors: invalid_cursor, for one that this ledger did not give. */
  readonly listEntries: (tenantId: TenantId, page: EntryQuery) => Promise<Result<EntryPage, BadCursor>>;
};

/** An hour to be archived, and the account's version when usage was last settled in it. */
export type ArchiveDue = { readonly hour: string; readonly version: number };

/** What the usage report and the archive read of the book. Days are `2026-11-22` and hours `2026-11-22T03`, UTC. */
export type UsageBook = {
  /** Roll-ups of the days from `fromDay` to `toDay`, both included, by day, key and model. */
  readonly listRollups: (
    tenantId: TenantId,
    fromDay: string,
    toDay: string,
  ) => Promise<readonly UsageRollup[]>;
  /** Hours with usage settled since they were archived, oldest first. */
  readonly archiveDue: (tenantId: TenantId) => Promise<readonly ArchiveDue[]>;
  /** Every usage entry of one hour, oldest first, read page by page. */
  readonly entriesOfHour: (tenantId: TenantId, hour: string) => AsyncIterable<Entry>;
  /** Says that an hour is archived. False, and it stays due, when usage was settled in it since `due` was read. */
  readonly clearArchiveDue: (tenantId: TenantId, due: ArchiveDue) => Promise<boolean>;
};

/** When every account was last swept: a hold that was due by then and is still open is a fault. */
export type SweepLog = {
  readonly recordSweep: (startedAtMs: number) => Promise<void>;
  /** Undefined before the first sweep. */
  readonly lastSweepMs: () => Promise<number | undefined>;
};

/** Thrown when the book could not be written or read within the limits of patience; the same operation may be tried again. */
export class LedgerUnavailable extends Error {
  override readonly name = 'LedgerUnavailable';
}
