import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Charge } from '#core/ledger/ports.ts';
import type { UsageEvent } from '#core/metering/types.ts';
import { rateInMonth } from '#core/pricing/rateInMonth.ts';
import type { PriceBook } from '#core/pricing/types.ts';
import { micro } from '#core/shared/money.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeDynamoDb } from '#io/wire/clients.ts';
import { bookWith } from '#test/builders/prices.ts';
import { type BenchTenant, openBenchTenant } from './product.ts';

export const BATCH_SIZES = [1, 10, 25, 95] as const;

export type WriteUnits = {
  readonly batch: number;
  readonly transactions: number;
  /** DynamoDB's write units an event, as the database counts them: for the settlement, without the hold before it. */
  readonly perEvent: number;
};

const PLAIN = bookWith({ model: '*', perRequest: '0.001', perMillionInputTokens: '3' });
const requests = { kind: 'graduated', included: 5, tiers: [{ upTo: 100, price: '0.02' }, { price: '0.01' }] };
const TIERED = bookWith({ model: '*', perMillionInputTokens: '3', monthly: { requests } });

/** What settling batches of one tenant's events writes, by a plain price book and by one with tiers by month. */
export async function measureWriteUnits(makeEvent: (tenant: BenchTenant) => UsageEvent, ledgerTable: string) {
  return {
    plain: await unitsBy(PLAIN, makeEvent, ledgerTable),
    tiered: await unitsBy(TIERED, makeEvent, ledgerTable),
  };
}

async function unitsBy(
  book: PriceBook,
  makeEvent: (tenant: BenchTenant) => UsageEvent,
  ledgerTable: string,
): Promise<readonly WriteUnits[]> {
  const client = makeDynamoDb();
  const counted = countWrites(client);
  const ledger = makeLedgerStore(client, ledgerTable);
  const found: WriteUnits[] = [];
  for (const batch of BATCH_SIZES) {
    const tenant = await openBenchTenant();
    // The first settlement of a month writes rows that all others only change.
    for (const size of [1, batch]) {
      const charges = Array.from({ length: size }, () => chargeOf(book, makeEvent(tenant)));
      for (const { event } of charges) await hold(ledger, event);
      counted.reset();
      await ledger.settle(tenant.id, charges);
    }
    found.push({ batch, transactions: counted.transactions(), perEvent: counted.units() / batch });
  }
  client.destroy();
  return found;
}

function chargeOf(book: PriceBook, event: UsageEvent): Charge {
  const rated = rateInMonth(book, event);
  if (!rated.ok) throw new Error(rated.error.code);
  return { event, ...rated.value };
}

async function hold(ledger: ReturnType<typeof makeLedgerStore>, event: UsageEvent): Promise<void> {
  const { tenantId, keyId, holdId, startedAtMs: nowMs } = event;
  const times = { nowMs, expiresAtMs: nowMs + 600_000 };
  const placed = await ledger.placeHold({ tenantId, keyId, holdId, amountMicro: micro(30_000), ...times });
  if (!placed.ok) throw new Error(placed.error.code);
}

/** Asks the database to count, and adds up what it says of transactions. */
function countWrites(client: DynamoDBDocumentClient) {
  let units = 0;
  let transactions = 0;
  client.middlewareStack.add(
    (next, context) => async (args) => {
      if (context.commandName !== 'TransactWriteItemsCommand') return next(args);
      const answer = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: 'TOTAL' } });
      transactions += 1;
      if (!('ConsumedCapacity' in answer.output)) throw new Error('the database did not count');
      const counts = answer.output.ConsumedCapacity;
      if (Array.isArray(counts)) for (const { CapacityUnits } of counts) units += Number(CapacityUnits);
      return answer;
    },
    { step: 'initialize' },
  );
  return {
    units: () => units,
    transactions: () => transactions,
    reset: () => {
      units = 0;
      transactions = 0;
    },
  };
}
