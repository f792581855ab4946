import type { Entry } from '#core/ledger/types.ts';
import type { OverageUse } from '#core/subscriptions/overagePorts.ts';
import { sha256 } from './ledgerRows.ts';
import type { WriteItem } from './ledgerWrites.ts';

/**
 * The outbox lies in the ledger's table, because a charge and its row are one transaction: `OUTBOX#<shard>`, in order
 * of time. A tenant's rows share a shard; several shards keep one partition's write limit out of the way.
 */
const OUTBOX_SHARDS = 8;

const outboxPartition = (shard: number): string => `OUTBOX#${shard}`;

const outboxKey = ({ id, tenantId, atMs }: Pick<OverageUse, 'id' | 'tenantId' | 'atMs'>) => ({
  pk: outboxPartition(Number.parseInt(sha256(tenantId).slice(0, 8), 16) % OUTBOX_SHARDS),
  sk: `${new Date(atMs).toISOString()}#${id}`,
});

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
