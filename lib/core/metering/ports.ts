import type { Entry } from '#core/ledger/types.ts';
import type { KeyId, TenantId } from '#core/shared/ids.ts';
import type { MicroCredits } from '#core/shared/money.ts';
import type { UsageDay, UsageHour } from './periods.ts';
import type { UsageEvent } from './types.ts';

/** Takes a usage event for settlement. Resolves when the event is durable; throws when it may not be. */
export type UsageSink = { readonly send: (event: UsageEvent) => Promise<void> };

/** Everything settled of one tenant for one day, key and model, summed. Grows only with settlements. */
export type UsageRollUp = {
  readonly day: UsageDay;
  readonly keyId: KeyId;
  readonly model: string;
  readonly requests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly computeMs: number;
  /** What was charged: the sum of the charge entries, as a positive amount. */
  readonly costMicro: MicroCredits;
};

/** An hour whose archive object lacks something settled. `revision` grows with every settlement into that hour. */
export type ArchiveDue = { readonly hour: UsageHour; readonly revision: number };

/**
 * What was settled, as metering reads it. The ledger keeps it: roll-up, entry and due hour change in the one
 * transaction that settles an event (day and hour by `dayOfEvent` and `hourOfEvent`), so they always agree.
 * Every read is strongly consistent.
 */
export type UsageBook = {
  /** Roll-ups from `fromDay` up to and without `toDay`, by day. */
  readonly rollUps: (
    tenantId: TenantId,
    range: { readonly fromDay: UsageDay; readonly toDay: UsageDay },
  ) => AsyncIterable<UsageRollUp>;
  /** The charge entries of the events of one hour, in an order that depends on nothing but the entries. */
  readonly entriesOfHour: (tenantId: TenantId, hour: UsageHour) => AsyncIterable<Entry>;
  readonly archiveDue: (tenantId: TenantId) => Promise<readonly ArchiveDue[]>;
  /** Strikes an hour off unless something was settled into it since `due` was read. */
  readonly clearArchiveDue: (tenantId: TenantId, due: ArchiveDue) => Promise<'cleared' | 'settled_since'>;
};
