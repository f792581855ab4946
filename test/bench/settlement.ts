import type { SQSBatchResponse } from 'aws-lambda';
import type { UsageEvent } from '#core/metering/types.ts';
import type { HoldId, RequestId, UsageEventId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { TABLES } from '#io/definitions/resources.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeDynamoDb } from '#io/wire/clients.ts';
import { systemWorld } from '#io/world.ts';
import { resourceName } from '#local/services/names.ts';
import { lambdaContext } from '#test/builders/http.ts';
import { toRecord } from '#test/builders/usageQueue.ts';
import type { ChatParts } from './calls.ts';
import { type BenchTenant, openBenchTenant } from './product.ts';
import { timed } from './statistics.ts';

/** The largest batch that the queue's mapping hands to the function. */
const BATCH = 100;
const BATCHES = 5;
const HELD_MICRO = micro(5_000);

/**
 * The chat function's parts, with a settlement that follows its calls when told: without one, holds would pile up
 * as they never do in service.
 */
export async function withSettlement(parts: ChatParts) {
  const settle = await loadSettlement();
  let sent: UsageEvent[] = [];
  const { ports } = parts;
  const usage = {
    send: async (event: UsageEvent): Promise<void> => {
      await ports.usage.send(event);
      sent.push(event);
    },
  };
  return {
    parts: { ...parts, ports: { ...ports, usage } },
    settleSent: async (): Promise<void> => {
      const events = sent;
      sent = [];
      for (let from = 0; from < events.length; from += BATCH) await settle(events.slice(from, from + BATCH));
    },
  };
}

/** Usage events settled in a second by one function at a time: all of one tenant, and of ten in each batch. */
export async function measureSettlement(): Promise<{
  readonly oneTenant: number;
  readonly tenTenants: number;
}> {
  const settle = await loadSettlement();
  const tenants: BenchTenant[] = [];
  for (let n = 0; n < 10; n += 1) tenants.push(await openBenchTenant());
  return {
    oneTenant: await settledASecond(settle, tenants.slice(0, 1)),
    tenTenants: await settledASecond(settle, tenants),
  };
}

type Settle = (events: readonly UsageEvent[]) => Promise<void>;

/** The function as it is deployed. It reads the environment, which the product's start has set. */
async function loadSettlement(): Promise<Settle> {
  const { handler } = await import('#functions/settle-usage/handler.ts');
  return async (events) => {
    const Records = events.map((event) => toRecord({ MessageId: event.id, Body: JSON.stringify(event) }));
    const response: SQSBatchResponse = await handler({ Records }, lambdaContext);
    if (response.batchItemFailures.length > 0) throw new Error('events were not settled');
  };
}

async function settledASecond(settle: Settle, tenants: readonly BenchTenant[]): Promise<number> {
  let totalMs = 0;
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const events = await heldCalls(tenants);
    totalMs += (await timed(() => settle(events))).ms;
  }
  return (BATCH * BATCHES * 1_000) / totalMs;
}

/** A batch of calls whose holds are open, evenly of each tenant. */
async function heldCalls(tenants: readonly BenchTenant[]): Promise<readonly UsageEvent[]> {
  const dynamoDb = makeDynamoDb();
  const ledger = makeLedgerStore(dynamoDb, resourceName(TABLES.ledger.name));
  const events = Array.from({ length: BATCH }, (_, n) => eventOf(tenants[n % tenants.length]));
  await Promise.all(
    events.map(async ({ tenantId, keyId, holdId, startedAtMs: nowMs }) => {
      const placed = await ledger.placeHold({
        tenantId,
        keyId,
        holdId,
        amountMicro: HELD_MICRO,
        nowMs,
        expiresAtMs: nowMs + 600_000,
      });
      if (!placed.ok) throw new Error(`a hold was refused: ${placed.error.code}`);
    }),
  );
  dynamoDb.destroy();
  return events;
}

/** A call of a tenant as the chat function would report it. */
export function eventOf(tenant: BenchTenant | undefined): UsageEvent {
  if (tenant === undefined) throw new Error('there is no tenant');
  const nowMs = Date.now();
  return {
    id: systemWorld.newId<UsageEventId>('usageEvent'),
    tenantId: tenant.id,
    keyId: tenant.keyId,
    requestId: systemWorld.newId<RequestId>('request'),
    holdId: systemWorld.newId<HoldId>('hold'),
    model: tenant.model,
    adapter: tenant.adapterId,
    operation: 'chat.completion',
    user: null,
    inputTokens: 40,
    outputTokens: 8,
    choices: 1,
    computeMs: 20,
    timeToFirstTokenMs: 15,
    status: 'succeeded',
    startedAtMs: nowMs,
    endedAtMs: nowMs + 20,
    priceBook: { id: 'per-token', version: 1 },
  };
}
