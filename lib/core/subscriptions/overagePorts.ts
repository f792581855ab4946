import type { TenantId, UsageEventId } from '#core/shared/ids.ts';
import type { MicroCredits } from '#core/shared/money.ts';

/** What one call used beyond everything prepaid: reported to Dodo under the id of the call's usage event. */
export type OverageUse = {
  readonly id: UsageEventId;
  readonly tenantId: TenantId;
  readonly amountMicro: MicroCredits;
  /** The moment the call began, whenever it was settled. */
  readonly atMs: number;
};
