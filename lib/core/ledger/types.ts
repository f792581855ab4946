import type { AccountLimits, Counted } from '#core/limits/types.ts';
import type { UsageEvent } from '#core/metering/types.ts';
import type { EntryId, GrantId, HoldId, KeyId, TenantId } from '#core/shared/ids.ts';
import type { MicroCredits } from '#core/shared/money.ts';
import type { MonthlyCharge } from './months.ts';

/** Whether an account may place holds. `suspended` keeps its credits; `closed` never opens again. */
export type AccountStatus = 'active' | 'suspended' | 'closed';

/**
 * Where a grant came from; with its expiry this decides the burn order (see README). `overage` is no money that came
 * in but what a subscription may still use up on account: what is burnt of it is reported to be invoiced.
 */
export const GRANT_KINDS = ['included', 'free', 'adjustment', 'pack', 'overage'] as const;
export type GrantKind = (typeof GRANT_KINDS)[number];

/** Credits set aside for work in flight: the estimate, moved from available to held. Open until it ends once. */
export type Hold = {
  readonly id: HoldId;
  readonly keyId: KeyId;
  readonly amountMicro: MicroCredits;
  readonly expiresAtMs: number;
  /** How limits counted it; absent where the tenant had none. */
  readonly counted?: Counted;
};

/** The part of a grant that is not burnt, expired, frozen or clawed back yet. */
export type OpenGrant = {
  readonly id: GrantId;
  readonly kind: GrantKind;
  readonly remainingMicro: MicroCredits;
  /** Absent: never expires. */
  readonly expiresAtMs?: number;
};

/**
 * The hot state of one tenant's credits, one item in the ledger table.
 * available + held = Σ grants.remaining − debt = the fold of the entries.
 */
export type Account = {
  readonly tenantId: TenantId;
  readonly status: AccountStatus;
  /** What new holds may take. Negative only when a refund clawed back credits that were spent already. */
  readonly availableMicro: MicroCredits;
  readonly heldMicro: MicroCredits;
  /** How far below zero settlements may bring the account; 0 for prepaid tenants. */
  readonly overdraftLimitMicro: MicroCredits;
  /** Clawed back or overdrawn beyond what the grants held; the next grant but one of overage pays it first. */
  readonly debtMicro: MicroCredits;
  readonly holds: Readonly<Record<string, Hold>>;
  readonly grants: Readonly<Record<string, OpenGrant>>;
  /** Keys that were revoked, or rotated out, and from when: checked by the hold itself, so warm caches cannot outlive it. */
  readonly keyStops: Readonly<Record<string, number>>;
  /**
   * Grows by one with every operation that writes entries, and with no other: the optimistic lock of those
   * operations, and the number by which the book's rows know their place in its history.
   */
  readonly version: number;
  /** What the tenant and its keys may use, and have used (see lib/core/limits); absent: nothing was ever limited. */
  readonly limits?: AccountLimits;
};

/** One grant's life apart from being burnt; kept for good, so that a refund a year later still knows it. */
export type GrantRecord = {
  readonly id: GrantId;
  readonly kind: GrantKind;
  readonly amountMicro: MicroCredits;
  readonly expiresAtMs?: number;
  /** Clawed back or expired so far. A claw-back takes at most the amount less this. */
  readonly takenBackMicro: MicroCredits;
  /** Out of reach while a dispute is open; not in the account's available credits. */
  readonly frozenMicro: MicroCredits;
  /** The sources (`kind/id`) whose freeze has not ended; the frozen part returns when the last one ends. */
  readonly frozenBy: readonly string[];
};

/** Usage of one day, key and model, summed as it was settled. The day is UTC, of the moment the calls began. */
export type UsageRollup = {
  readonly day: string;
  readonly keyId: KeyId;
  readonly model: string;
  readonly calls: number;
  /** Of `calls`, those that the engine failed. */
  readonly failedCalls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly computeMs: number;
  /** What was charged, which a shortfall makes less than the price. */
  readonly costMicro: MicroCredits;
};

/** `thaw`: the part of a frozen grant that comes back only because the claw-back beside it takes it. */
export const ENTRY_KINDS = [
  'grant',
  'charge',
  'debit',
  'refund',
  'expiry',
  'freeze',
  'release',
  'thaw',
] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

export const ENTRY_SOURCES = [
  'usage',
  'payment',
  'refund',
  'dispute',
  'admin',
  'grant_expiry',
  'subscription',
  'free_tier',
  'overage',
  'overage_expiry',
] as const;

/** What caused an entry. One source makes at most one entry of each kind: that is how a repeat changes nothing. */
export type EntrySource = {
  readonly kind: (typeof ENTRY_SOURCES)[number];
  readonly id: string;
};

/** One line of a tenant's account book: appended, never edited. A mistake is corrected by a further entry. */
export type Entry = {
  readonly id: EntryId;
  readonly tenantId: TenantId;
  readonly kind: EntryKind;
  /** Signed: what the entry does to available + held. Zero for a call that cost nothing. */
  readonly amountMicro: MicroCredits;
  /** For usage the moment the call began, else the moment of the operation. The book is sorted by it. */
  readonly atMs: number;
  /** The account's version that came with this entry. */
  readonly accountVersion: number;
  readonly source: EntrySource;
  /** SHA-256 of the operation's input: a repeat with another input is a conflict, not a duplicate. */
  readonly inputHash: string;
  readonly grantId?: GrantId;
  readonly holdId?: HoldId;
  /** What a charge should have taken and could not, because the hold had expired and the credits were spent. */
  readonly shortfallMicro?: MicroCredits;
  /** The part of a charge that burnt overage: an outbox row of the same transaction reports it to be invoiced. */
  readonly overageMicro?: MicroCredits;
  readonly reason?: string;
  readonly actor?: string;
  /** For charges by tiers of the month: what the month had before, and what this added to its bill. */
  readonly monthly?: MonthlyCharge;
  /** For charges: the call as it was measured, for statements and the usage archive. */
  readonly usage?: UsageEvent;
};
