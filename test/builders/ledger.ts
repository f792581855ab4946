import type { Charge, Grant, Ledger, PlaceHold } from '#core/ledger/ports.ts';
import type { Entry } from '#core/ledger/types.ts';
import type { UsageEvent } from '#core/metering/types.ts';
import type { GrantId, HoldId, IdKind, KeyId, RequestId, TenantId, UsageEventId } from '#core/shared/ids.ts';
import { ID_PREFIXES, parseId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';

/** Noon of a day, so that a minute more or less stays in the hour. */
export const NOON_MS = Date.UTC(2026, 2, 2, 12);

/** The entries of a page of a ledger's book. */
export function entriesOn(page: Awaited<ReturnType<Ledger['listEntries']>>): readonly Entry[] {
  if (!page.ok) throw new Error(page.error.code);
  return page.value.entries;
}

/** An id of a kind with a readable body: `testId<KeyId>('key', 'a')`. */
export function testId<T extends string>(kind: IdKind, body: string): T {
  const text = `${ID_PREFIXES[kind]}${body}`;
  const id = parseId<T>(kind, text);
  if (id === undefined) throw new Error(`not an id: ${text}`);
  return id;
}

export const KEY_A = testId<KeyId>('key', 'a');

export const aHold = (tenantId: TenantId, body: string, over: Partial<PlaceHold> = {}): PlaceHold => ({
  tenantId,
  keyId: KEY_A,
  holdId: testId<HoldId>('hold', body),
  amountMicro: micro(100),
  nowMs: NOON_MS,
  expiresAtMs: NOON_MS + 60_000,
  ...over,
});

export const aGrant = (tenantId: TenantId, body: string, over: Partial<Grant> = {}): Grant => ({
  tenantId,
  grantId: testId<GrantId>('grant', body),
  kind: 'pack',
  amountMicro: micro(1_000),
  source: { kind: 'payment', id: `pay-${body}` },
  reason: 'a pack was bought',
  actor: 'dodo',
  nowMs: NOON_MS,
  ...over,
});

export const aUsageEvent = (
  tenantId: TenantId,
  body: string,
  over: Partial<UsageEvent> = {},
): UsageEvent => ({
  id: testId<UsageEventId>('usageEvent', body),
  tenantId,
  keyId: KEY_A,
  requestId: testId<RequestId>('request', body),
  holdId: testId<HoldId>('hold', body),
  model: 'support',
  adapter: 'support-v1',
  operation: 'chat.completion',
  user: null,
  inputTokens: 20,
  outputTokens: 10,
  choices: 1,
  computeMs: 120,
  timeToFirstTokenMs: 15,
  status: 'succeeded',
  startedAtMs: NOON_MS,
  endedAtMs: NOON_MS + 120,
  priceBook: { id: 'standard', version: 1 },
  ...over,
});

/** A charge for the hold of the same body. */
export const aCharge = (
  tenantId: TenantId,
  body: string,
  amount: number,
  over: Partial<UsageEvent> = {},
): Charge => ({ event: aUsageEvent(tenantId, body, over), amountMicro: micro(amount) });
