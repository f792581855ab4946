import type { UsageEvent } from '#core/metering/types.ts';
import type { HoldId, KeyId, RequestId, TenantId, UsageEventId } from '#core/shared/ids.ts';

let made = 0;

/** A call of a demonstration tenant, with ids of its own; say only what the test is about. */
export function usageEvent(changes: Partial<UsageEvent> = {}): UsageEvent {
  made += 1;
  const endedAtMs = changes.endedAtMs ?? Date.UTC(2026, 2, 1, 7, 30);
  return {
    id: `use_test${made}` as UsageEventId,
    tenantId: 'ten_northwind' as TenantId,
    keyId: 'key_one' as KeyId,
    requestId: `req_test${made}` as RequestId,
    holdId: `hold_test${made}` as HoldId,
    model: 'northwind-support',
    adapter: 'adp_northwind',
    operation: 'chat.completion',
    user: null,
    inputTokens: 120,
    outputTokens: 30,
    choices: 1,
    computeMs: 250,
    timeToFirstTokenMs: 40,
    status: 'succeeded',
    startedAtMs: endedAtMs - 250,
    endedAtMs,
    priceBook: { id: 'per-token', version: 1 },
    ...changes,
  };
}
