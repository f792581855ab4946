import type { ProviderRefused, ProviderUnavailable } from '#core/billing/ports.ts';
import type { TenantId, UsageEventId } from '#core/shared/ids.ts';
import type { MicroCredits } from '#core/shared/money.ts';
import type { Result } from '#core/shared/result.ts';

/** What one call used beyond everything prepaid: reported to Dodo under the id of the call's usage event. */
export type OverageUse = {
  readonly id: UsageEventId;
  readonly tenantId: TenantId;
  readonly amountMicro: MicroCredits;
  /** The moment the call began, whenever it was settled. */
  readonly atMs: number;
};

export const LATE_REASONS = ['too_late', 'refused', 'no_customer'] as const;
/** Why a use is not on Dodo's meter: its hour had passed, Dodo refused it, or nobody there is to be billed. */
export type LateReason = (typeof LATE_REASONS)[number];

export const LATE_STATUSES = ['open', 'billed', 'waived'] as const;
/** `open` until the agency says what became of it: invoiced by other means, or let go. */
export type LateStatus = (typeof LATE_STATUSES)[number];

/** A use that Dodo's meter does not have. It stays here for good, so that it is neither lost nor billed twice. */
export type LateUse = OverageUse & {
  readonly reason: LateReason;
  readonly detail: string;
  readonly foundAtMs: number;
  readonly status: LateStatus;
  /** What the agency noted when it settled it. */
  readonly note: string | null;
};

/** How the last runs against Dodo ended: `failures` in a row, and when the next may try. */
export type OutboxPause = { readonly failures: number; readonly untilMs: number };

/**
 * Uses on their way to Dodo. Each was written in the transaction of its charge, so none is lost and none invented;
 * it leaves the outbox only to Dodo or to the list of late usage.
 */
export type OverageOutbox = {
  /** What waits, of calls begun within the range, the oldest first, at most `limit` of each part. */
  readonly pending: (
    limit: number,
    range?: { readonly fromMs?: number; readonly untilMs?: number },
  ) => Promise<readonly OverageUse[]>;
  /** Takes uses out that Dodo has; those that are gone already are passed over. */
  readonly remove: (uses: readonly OverageUse[]) => Promise<void>;
  /** Moves one to the list of late usage; nothing when it is gone already. */
  readonly moveToLate: (
    use: OverageUse,
    why: { readonly reason: LateReason; readonly detail: string; readonly atMs: number },
  ) => Promise<void>;
  readonly readPause: () => Promise<OutboxPause>;
  readonly writePause: (pause: OutboxPause) => Promise<void>;
};

/** The list of usage that Dodo's meter does not have. */
export type LateUsageList = {
  /** Newest first, at most `limit` (≤ 100). */
  readonly list: (page: { readonly limit: number; readonly cursor?: string }) => Promise<{
    readonly uses: readonly LateUse[];
    readonly nextCursor: string | null;
  }>;
  /** Says what became of one; undefined when there is no such use. */
  readonly settle: (
    id: UsageEventId,
    settled: { readonly status: LateStatus; readonly note: string },
  ) => Promise<LateUse | undefined>;
};

/** Dodo's meter. */
export type UsageMeter = {
  /** At most 1,000 at once, taken whole or not at all; what is known by its id already is ignored. */
  readonly ingest: (
    uses: readonly (OverageUse & { readonly customerId: string })[],
  ) => Promise<Result<null, ProviderUnavailable | ProviderRefused>>;
  readonly has: (id: UsageEventId) => Promise<Result<boolean, ProviderUnavailable>>;
  /** Which uses of calls within a range it has; more than `maxCalls` calls can tell: not complete. */
  readonly listIds: (range: {
    readonly fromMs: number;
    readonly untilMs: number;
    readonly maxCalls: number;
  }) => Promise<
    Result<
      { readonly ids: ReadonlySet<string>; readonly isComplete: boolean; readonly calls: number },
      ProviderUnavailable
    >
  >;
};
