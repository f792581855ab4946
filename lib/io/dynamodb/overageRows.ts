import * as z from 'zod/mini';
import type { Entry } from '#core/ledger/types.ts';
import type { TenantId, UsageEventId } from '#core/shared/ids.ts';
import { idSchema, microSchema } from '#core/shared/schemas.ts';
import {
  LATE_REASONS,
  LATE_STATUSES,
  type LateUse,
  type OverageUse,
} from '#core/subscriptions/overagePorts.ts';
import { sha256 } from './ledgerRows.ts';
import type { WriteItem } from './ledgerWrites.ts';

/**
 * The outbox lies in the ledger's table, because a charge and its row are one transaction: `OUTBOX#<shard>`, in order
 * of time. A tenant's rows share a shard; several shards keep one partition's write limit out of the way. Usage that
 * Dodo's meter does not have is in `LATE_USAGE`, by its id, which begins with the time.
 */
export const OUTBOX_SHARDS = 8;

export const outboxPartition = (shard: number): string => `OUTBOX#${shard}`;

export const outboxKey = ({ id, tenantId, atMs }: Pick<OverageUse, 'id' | 'tenantId' | 'atMs'>) => ({
  pk: outboxPartition(Number.parseInt(sha256(tenantId).slice(0, 8), 16) % OUTBOX_SHARDS),
  sk: `${new Date(atMs).toISOString()}#${id}`,
});

export const LATE_LIST = 'LATE_USAGE';
export const lateKey = (id: UsageEventId) => ({ pk: LATE_LIST, sk: id });
export const PAUSE_KEY = { pk: 'OUTBOX', sk: 'PAUSE' };

/** The outbox row of a charge that burnt overage, none for any other entry. It needs no condition: its entry has one. */
export function outboxWrites(table: string, entry: Entry): readonly WriteItem[] {
  if (entry.overageMicro === undefined || entry.usage === undefined) return [];
  const use: OverageUse = {
    id: entry.usage.id,
    tenantId: entry.tenantId,
    amountMicro: entry.overageMicro,
    atMs: entry.atMs,
  };
  return [{ Put: { TableName: table, Item: { ...outboxKey(use), ...use } } }];
}

const useShape = {
  id: idSchema<UsageEventId>('usageEvent'),
  tenantId: idSchema<TenantId>('tenant'),
  amountMicro: microSchema,
  atMs: z.int(),
};
const useSchema = z.object(useShape);
const lateSchema = z.object({
  ...useShape,
  reason: z.enum(LATE_REASONS),
  detail: z.string(),
  foundAtMs: z.int(),
  status: z.enum(LATE_STATUSES),
  note: z.nullable(z.string()),
});

// A row that does not parse was written by something else than us: that is a bug, so these throw.
export const toOverageUse = (item: unknown): OverageUse => useSchema.parse(item);
export const toLateUse = (item: unknown): LateUse => lateSchema.parse(item);
