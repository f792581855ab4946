import { hourOf } from '#core/ledger/rollup.ts';
import type { UsageEvent } from '#core/metering/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import type { KeyHour } from './types.ts';

/** Sums calls by tenant, hour and key. */
export function tallyUsage(events: readonly UsageEvent[]): ReadonlyMap<TenantId, readonly KeyHour[]> {
  const byTenant = new Map<TenantId, KeyHour[]>();
  const calls = events.filter(({ operation }) => operation !== 'fine_tuning');
  const groups = Map.groupBy(calls, (event) =>
    [event.tenantId, hourOf(event.startedAtMs), event.keyId].join(),
  );
  for (const [first, ...rest] of groups.values()) {
    if (first === undefined) continue;
    const hours = byTenant.get(first.tenantId) ?? [];
    hours.push(hourOfCalls([first, ...rest], first));
    byTenant.set(first.tenantId, hours);
  }
  return byTenant;
}

function hourOfCalls(events: readonly UsageEvent[], first: UsageEvent): KeyHour {
  const perMinute: Record<number, number> = {};
  for (const { startedAtMs } of events) {
    const minute = new Date(startedAtMs).getUTCMinutes();
    perMinute[minute] = (perMinute[minute] ?? 0) + 1;
  }
  return {
    hour: hourOf(first.startedAtMs),
    keyId: first.keyId,
    calls: events.length,
    inputTokens: events.reduce((sum, event) => sum + event.inputTokens, 0),
    inputSquares: events.reduce((sum, event) => sum + event.inputTokens ** 2, 0),
    perMinute,
    networks: [...new Set(events.flatMap(({ network }) => network ?? []))],
  };
}
