import type { Ledger, UsageBook } from '#core/ledger/ports.ts';
import type { Entry } from '#core/ledger/types.ts';
import { addDays } from '#core/metering/periods.ts';
import type { UsageEvent } from '#core/metering/types.ts';
import type { HoldId, TenantId } from '#core/shared/ids.ts';
import { type Compared, compareAmounts, sideOf } from './compareAmounts.ts';
import type { ArchiveReader } from './ports.ts';
import type { Difference } from './types.ts';

export type CompareUsageDeps = {
  readonly ledger: Pick<UsageBook, 'archiveDue' | 'entriesOfHour'> & Pick<Ledger, 'listEntries'>;
  readonly archive: ArchiveReader;
};

const HOURS_A_DAY = 24;

/**
 * Holds what the gateway measured against what the account book charged, for one tenant and day: every call of the
 * archive against its entry, and every call whose hold ran out against the entry that should have followed. Beyond
 * `overage` nothing is kept of an hour when it is done.
 */
export async function compareUsage(
  deps: CompareUsageDeps,
  {
    tenantId,
    day,
    lost,
    onCall,
  }: {
    readonly tenantId: TenantId;
    readonly day: string;
    readonly lost: readonly HoldId[];
    /** Is shown every call that was charged, or was free. */
    readonly onCall?: (usage: UsageEvent) => Promise<void>;
  },
): Promise<Compared & { readonly overage: readonly (readonly [string, number])[] }> {
  const due = new Set((await deps.ledger.archiveDue(tenantId)).map(({ hour }) => hour));
  const missing = new Set<string>(lost);
  const overage: (readonly [string, number])[] = [];
  const differences: Difference[] = [];
  let [compared, leftMicro, rightMicro] = [0, 0, 0];
  for (let hour = 0; hour < HOURS_A_DAY; hour += 1) {
    const name = `${day}T${String(hour).padStart(2, '0')}`;
    const charges: (readonly [string, number])[] = [];
    for await (const entry of deps.ledger.entriesOfHour(tenantId, name)) {
      charges.push([entry.source.id, -entry.amountMicro]);
      if (entry.overageMicro !== undefined) overage.push([entry.source.id, entry.overageMicro]);
      if (entry.holdId !== undefined) missing.delete(entry.holdId);
      if (entry.usage !== undefined) await onCall?.(entry.usage);
    }
    const calls = (await deps.archive.callsOf(tenantId, name)) ?? [];
    const sides = {
      tenantId,
      left: sideOf(calls.map(({ eventId, costMicro }) => [eventId, costMicro] as const)),
      right: sideOf(charges),
    };
    const hourly = compareAmounts('gateway_ledger', sides, (id) =>
      due.has(name) && !sides.left.has(id) ? { cause: 'archive_pending', note: '' } : undefined,
    );
    differences.push(...pendingAsOne(name, hourly.differences));
    compared += hourly.totals.compared;
    leftMicro += hourly.totals.leftMicro;
    rightMicro += hourly.totals.rightMicro;
  }
  differences.push(...(await lostCalls(deps, { tenantId, day, lost, missing })));
  return {
    overage,
    differences,
    totals: { pair: 'gateway_ledger', compared: compared + lost.length, leftMicro, rightMicro },
  };
}

/** An hour that is not archived yet is one line, however many calls it has. */
function pendingAsOne(hour: string, differences: readonly Difference[]): readonly Difference[] {
  const pending = differences.filter(({ cause }) => cause === 'archive_pending');
  const [first] = pending;
  if (first === undefined) return differences;
  const rightMicro = pending.reduce((sum, one) => sum + (one.rightMicro ?? 0), 0);
  const note = `${pending.length} calls; the hour is archived again soon`;
  return [
    ...differences.filter(({ cause }) => cause !== 'archive_pending'),
    { ...first, id: hour, rightMicro, note },
  ];
}

/** A hold that ran out was placed by a call of this day or of the one before. */
async function lostCalls(
  { ledger }: CompareUsageDeps,
  search: {
    readonly tenantId: TenantId;
    readonly day: string;
    readonly lost: readonly HoldId[];
    readonly missing: Set<string>;
  },
): Promise<readonly Difference[]> {
  const { tenantId, day, lost, missing } = search;
  for (let hour = 0; hour < HOURS_A_DAY && missing.size > 0; hour += 1) {
    const name = `${addDays(day, -1)}T${String(hour).padStart(2, '0')}`;
    for await (const entry of ledger.entriesOfHour(tenantId, name)) forget(missing, entry);
  }
  return lost.map((holdId) => ({
    pair: 'gateway_ledger',
    id: holdId,
    tenantId,
    leftMicro: null,
    rightMicro: null,
    ...(missing.has(holdId)
      ? { cause: 'unknown' as const, note: 'a call was answered or broke off, and no event of it ever came' }
      : { cause: 'settled_late' as const, note: 'its event came after its hold had run out' }),
  }));
}

const forget = (missing: Set<string>, { holdId }: Entry): boolean =>
  holdId !== undefined && missing.delete(holdId);
