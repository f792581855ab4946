import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { LimitRules } from '#core/limits/types.ts';
import type { GrantId, HoldId, KeyId, TenantId } from '#core/shared/ids.ts';
import { micro, ZERO } from '#core/shared/money.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { systemWorld } from '#io/world.ts';

export type HoldUnits = {
  readonly name: string;
  /** Write units of one hold, as the database counts them, with one open at a time. */
  readonly units: number;
  /** Requests to the database that one hold takes. */
  readonly requests: number;
};

const ALL: LimitRules = {
  requests: 100_000,
  tokens: 100_000_000,
  calls: 1_000,
  day: 1_000_000_000,
  month: 1_000_000_000,
};
/** One call in each slot of the window: the most that limits of one minute remember. */
const STEADY_CALLS = 13;
const SLOT_MS = 5_000;

/** What one hold writes, by what is limited, after a minute of steady calls. */
export async function measureHoldUnits(
  client: DynamoDBDocumentClient,
  table: string,
): Promise<readonly HoldUnits[]> {
  const counted = countUpdates(client);
  const measure = async (
    name: string,
    scopes: readonly ('tenant' | 'key')[],
    rules: LimitRules,
    keys = 1,
  ) => {
    const ledger = makeLedgerStore(client, table);
    const tenantId = systemWorld.newId<TenantId>('tenant');
    const keyIds = Array.from({ length: keys }, () => systemWorld.newId<KeyId>('key'));
    await openAccount(ledger, tenantId);
    const startMs = Date.now() - STEADY_CALLS * SLOT_MS;
    for (const scope of scopes) {
      for (const keyId of scope === 'tenant' ? ['tenant' as const] : keyIds) {
        await ledger.setLimits(tenantId, { scope: keyId, rules, nowMs: startMs });
      }
    }
    const call = async (keyId: KeyId, nowMs: number): Promise<void> => {
      const holdId = systemWorld.newId<HoldId>('hold');
      const place = { tenantId, keyId, holdId, amountMicro: micro(12_345), tokens: 512, nowMs };
      counted.reset();
      const placed = await ledger.placeHold({ ...place, expiresAtMs: nowMs + 600_000 });
      if (!placed.ok) throw new Error(placed.error.code);
      last = counted.read();
      await ledger.voidHold(tenantId, holdId);
    };
    let last = counted.read();
    for (let n = 0; n < STEADY_CALLS; n++) {
      for (const keyId of keyIds) await call(keyId, startMs + n * SLOT_MS);
    }
    return { name, ...last };
  };
  return [
    await measure('without limits', [], {}),
    await measure('spend caps of the tenant', ['tenant'], { day: 1e9, month: 1e9 }),
    await measure('all limits of the tenant', ['tenant'], ALL),
    await measure('all limits of the tenant and one key', ['tenant', 'key'], ALL),
    await measure('all limits of the tenant and ten keys in use', ['tenant', 'key'], ALL, 10),
  ];
}

async function openAccount(ledger: ReturnType<typeof makeLedgerStore>, tenantId: TenantId): Promise<void> {
  await ledger.openAccount(tenantId, ZERO);
  const grantId = systemWorld.newId<GrantId>('grant');
  await ledger.grant({
    tenantId,
    grantId,
    kind: 'pack',
    amountMicro: micro(1_000_000_000),
    source: { kind: 'payment', id: grantId },
    reason: 'bench',
    actor: 'bench',
    nowMs: Date.now(),
  });
}

/** Asks the database to count plain updates, and adds up what it says. */
function countUpdates(client: DynamoDBDocumentClient) {
  let units = 0;
  let requests = 0;
  client.middlewareStack.add(
    (next, context) => async (args) => {
      requests += 1;
      if (context.commandName !== 'UpdateItemCommand') return next(args);
      const answer = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: 'TOTAL' } });
      const counts: unknown = Reflect.get(answer.output, 'ConsumedCapacity');
      const found = typeof counts === 'object' && counts !== null ? Reflect.get(counts, 'CapacityUnits') : 0;
      units += typeof found === 'number' ? found : 0;
      return answer;
    },
    { step: 'initialize' },
  );
  return {
    reset: () => {
      units = 0;
      requests = 0;
    },
    read: () => ({ units, requests }),
  };
}
