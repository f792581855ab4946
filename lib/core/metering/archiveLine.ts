import type { Entry } from '#core/ledger/types.ts';
import { formatCredits, micro } from '#core/shared/money.ts';

/**
 * One line of the archive: the usage event as it was measured and what it was charged, as JSON. Costs come both
 * as an integer of µcr, to add up, and as the decimal string that the API speaks. The order of the fields is fixed,
 * so that the same entry always makes the same bytes. Throws for an entry that is not a charge for usage.
 */
export function archiveLine(entry: Entry): string {
  const { usage } = entry;
  if (usage === undefined) throw new Error(`entry ${entry.id} is no charge for usage`);
  const costMicro = micro(-entry.amountMicro);
  const line = {
    entryId: entry.id,
    eventId: usage.id,
    tenantId: usage.tenantId,
    keyId: usage.keyId,
    requestId: usage.requestId,
    holdId: usage.holdId,
    operation: usage.operation,
    model: usage.model,
    adapter: usage.adapter,
    version: usage.version ?? usage.adapter,
    servedBy: usage.servedBy ?? 'stable',
    user: usage.user,
    status: usage.status,
    inputTokens: usage.inputTokens,
    outputTokens: usage.outputTokens,
    choices: usage.choices,
    computeMs: usage.computeMs,
    timeToFirstTokenMs: usage.timeToFirstTokenMs,
    startedAt: new Date(usage.startedAtMs).toISOString(),
    endedAt: new Date(usage.endedAtMs).toISOString(),
    priceBookId: usage.priceBook.id,
    priceBookVersion: usage.priceBook.version,
    experiment: usage.priceBook.armOf?.experiment ?? null,
    cost: formatCredits(costMicro),
    costMicro,
    shortfallMicro: entry.shortfallMicro ?? 0,
  };
  return `${JSON.stringify(line)}\n`;
}

/** Where the usage of one tenant and hour (`2026-03-01T07`, UTC) is kept. */
export const archiveKey = (tenantId: string, hour: string): string =>
  `usage/dt=${hour.slice(0, 10)}/hour=${hour.slice(11, 13)}/${tenantId}.jsonl.gz`;
