import { countHold, type Demand, demandsOf } from '#core/limits/countHold.ts';
import type { AccountLimits, LimitedUse } from '#core/limits/types.ts';
import { pastSlots } from '#core/limits/windows.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { limitParts, type Parts } from './limitRows.ts';

/** Tenants whose limits a warm function remembers. */
const MAX_KNOWN = 10_000;

/** What a warm function last saw of tenants' limits. It may be old: each write says which revision it believes in. */
export type KnownLimits = {
  readonly of: (tenantId: TenantId) => AccountLimits | undefined;
  readonly keep: (tenantId: TenantId, limits: AccountLimits | undefined) => void;
};

export function makeKnownLimits(): KnownLimits {
  const known = new Map<TenantId, AccountLimits>();
  return {
    of: (tenantId) => known.get(tenantId),
    keep: (tenantId, limits) => {
      known.delete(tenantId);
      if (limits !== undefined) known.set(tenantId, limits);
      const [oldest] = known.keys();
      if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
    },
  };
}

/** What a hold's write counts and on what condition, by the limits that the function knows of. */
export function countParts(limits: AccountLimits | undefined, use: LimitedUse): Parts {
  const writer = limitParts();
  const { parts, path, value } = writer;
  if (limits === undefined) {
    parts.conditions.push(`attribute_not_exists(${path()})`);
    return parts;
  }
  parts.conditions.push(`${path('revision')} = ${value(limits.revision)}`);
  const counted = countHold(limits, use);
  // Slots that have left the window are named only when they stand in the way: others forget them off the path.
  const forgets = counted.ok && counted.value.forgot;
  for (const demand of demandsOf(limits, use)) {
    const past = forgets && demand.isSum ? pastSlots(demand.counter, use.nowMs) : [];
    countDemand(writer, demand, past);
  }
  return parts;
}

function countDemand(
  { parts, path, value }: ReturnType<typeof limitParts>,
  { scope, kind, counter, max, amount, place, isSum }: Demand,
  past: readonly string[],
): void {
  const to = (...names: readonly string[]): string => path('scopes', scope, kind, ...names);
  let freed = 0;
  for (const slot of past) {
    const count = counter.at[slot] ?? 0;
    freed += count;
    parts.removes.push(to('at', slot));
    parts.conditions.push(`${to('at', slot)} = ${value(count)}`);
  }
  if (isSum) {
    parts.sets.push(`${to('sum')} = ${to('sum')} + ${value(amount - freed)}`);
    parts.conditions.push(`${to('sum')} <= ${value(max - amount + freed)}`);
  }
  if (place === undefined) return;
  const at = to('at', place);
  parts.sets.push(`${at} = if_not_exists(${at}, ${value(0)}) + ${value(amount)}`);
  if (isSum) return;
  const room = `${at} <= ${value(max - amount)}`;
  parts.conditions.push(amount > max ? room : `(attribute_not_exists(${at}) OR ${room})`);
}
