import type { EntryId, GrantId, HoldId, KeyId, TenantId } from '#core/shared/ids.ts';
import type { MicroCredits } from '#core/shared/money.ts';

/** Whether an account may place holds. `suspended` keeps its credits; `closed` never opens again. */
export type AccountStatus = 'active' | 'suspended' | 'closed';

/** Where a grant came from; with its expiry this decides the burn order (see README). */
export type GrantKind = 'included' | 'free' | 'pack' | 'adjustment';

/** Credits set aside for work in flight: the estimate, moved from available to held. Open until it ends once. */
export type Hold = {
  readonly id: HoldId;
  readonly keyId: KeyId;
  readonly amountMicro: MicroCredits;
  readonly expiresAtMs: number;
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
  /** Clawed back or overdrawn beyond what the grants held; the next grant pays it first. */
  readonly debtMicro: MicroCredits;
  readonly holds: Readonly<Record<string, Hold>>;
  readonly grants: Readonly<Record<string, OpenGrant>>;
  /** Keys that were revoked, or rotated out, and from when: checked by the hold itself, so warm caches cannot outlive it. */
  readonly keyStops: Readonly<Record<string, number>>;
  /** Grows with every change of grants; the optimistic lock of every operation but placing and voiding a hold. */
  readonly version: number;
};

export type EntryKind = 'grant' | 'charge' | 'debit' | 'refund' | 'expiry' | 'freeze' | 'release';

/** What caused an entry. One source makes at most one entry of each kind: that is how a repeat changes nothing. */
export type EntrySource = {
  readonly kind:
    | 'usage'
    | 'payment'
    | 'refund'
    | 'dispute'
    | 'admin'
    | 'grant_expiry'
    | 'subscription'
    | 'free_tier';
  readonly id: string;
};

/** One line of a tenant's account book: appended, never edited. A mistake is corrected by a further entry. */
export type Entry = {
  readonly id: EntryId;
  readonly tenantId: TenantId;
  readonly kind: EntryKind;
  /** Signed: what the entry does to available + held. */
  readonly amountMicro: MicroCredits;
  readonly atMs: number;
  readonly source: EntrySource;
  /** SHA-256 of the operation's input: a repeat with another input is a conflict, not a duplicate. */
  readonly inputHash: string;
  readonly grantId?: GrantId;
  readonly holdId?: HoldId;
  /** What a charge should have taken and could not, because the hold had expired and the credits were spent. */
  readonly shortfallMicro?: MicroCredits;
  readonly reason?: string;
  readonly actor?: string;
  /** For charges: the model, key and token counts, for statements and the usage archive. */
  readonly usage?: Readonly<Record<string, string | number | null>>;
};
