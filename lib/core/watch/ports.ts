import type { TenantId } from '#core/shared/ids.ts';
import type { Finding, KeyHour } from './types.ts';

/** What keys did lately, kept for two days and then gone. */
export type UsageWatch = {
  /** Adds to the hours of a tenant's keys. Losing some, or adding some twice, makes no finding wrong by much. */
  readonly add: (tenantId: TenantId, hours: readonly KeyHour[]) => Promise<void>;
  /** A tenant's hours from one to another, both included, in order. */
  readonly read: (tenantId: TenantId, fromHour: string, toHour: string) => Promise<readonly KeyHour[]>;
  /** Whether this finding was told today already. */
  readonly isTold: (tenantId: TenantId, day: string, finding: Finding) => Promise<boolean>;
  readonly markTold: (tenantId: TenantId, day: string, finding: Finding) => Promise<void>;
};
