import { countersOf } from '#core/ledger/months.ts';
import type { Charge, SettledCharge } from '#core/ledger/ports.ts';
import { dayOf } from '#core/ledger/rollup.ts';
import { type Settlement, settleCharges } from '#core/ledger/settle.ts';
import type { Account } from '#core/ledger/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { type KeptMonth, monthWrite, readMonths } from './ledgerMonths.ts';
import { cancellationCodes, MOVED, withRetries } from './ledgerRetry.ts';
import { finishEntry, ledgerKeys, sha256 } from './ledgerRows.ts';
import { type LedgerTable, readAccountItem, writeTogether } from './ledgerTable.ts';
import { accountWrite, entryWrite, rollupWrites, type WriteItem } from './ledgerWrites.ts';
import { outboxWrites } from './overageRows.ts';

/** DynamoDB's limit on a transaction. */
const MAX_ITEMS = 100;

/**
 * Settles one tenant's charges in as few transactions as fit, each event once. Throws when the account does not
 * exist: only calls that were let through by it are metered.
 */
export async function settle(
  table: LedgerTable,
  tenantId: TenantId,
  charges: readonly Charge[],
): Promise<readonly SettledCharge[]> {
  const outcomes = new Map<Charge, SettledCharge>();
  for (const chunk of chunksOf(distinct(charges))) {
    for (const [charge, outcome] of await settleChunk(table, tenantId, chunk)) outcomes.set(charge, outcome);
  }
  return charges.map((charge) => {
    const outcome = outcomes.get(charge) ?? { outcome: 'duplicate' };
    outcomes.delete(charge); // the same charge a second time is a repeat like any other
    return outcome;
  });
}

/** Leaves out what the same delivery holds twice. */
function distinct(charges: readonly Charge[]): readonly Charge[] {
  const byEvent = new Map<string, Charge>();
  for (const charge of charges) if (!byEvent.has(charge.event.id)) byEvent.set(charge.event.id, charge);
  return [...byEvent.values()];
}

/** Fills transactions: one item for the account, one an entry, one a roll-up, one a month that is counted. */
function chunksOf(charges: readonly Charge[]): readonly (readonly Charge[])[] {
  const chunks: Charge[][] = [];
  let chunk: Charge[] = [];
  let sums = new Set<string>();
  for (const charge of charges) {
    const { startedAtMs, keyId, model } = charge.event;
    const rollup = ledgerKeys.rollup({ day: dayOf(startedAtMs), keyId, model });
    const added = [rollup, ...countersOf([charge]).map((counter) => ledgerKeys.month(counter))];
    const items = 1 + chunk.length + 1 + sums.union(new Set(added)).size;
    if (items > MAX_ITEMS) {
      chunks.push(chunk);
      chunk = [];
      sums = new Set();
    }
    chunk.push(charge);
    for (const sum of added) sums.add(sum);
  }
  return chunk.length === 0 ? chunks : [...chunks, chunk];
}

async function settleChunk(
  table: LedgerTable,
  tenantId: TenantId,
  charges: readonly Charge[],
): Promise<ReadonlyMap<Charge, SettledCharge>> {
  const duplicates = new Set<Charge>();
  return withRetries<ReadonlyMap<Charge, SettledCharge>>(table.patience, async () => {
    const fresh = charges.filter((charge) => !duplicates.has(charge));
    if (fresh.length === 0) return new Map();
    const [account, kept] = await Promise.all([
      readAccountItem(table, tenantId),
      readMonths(table, tenantId, countersOf(fresh)),
    ]);
    if (account === undefined) throw new Error(`usage of ${tenantId}, which has no account`);
    const months = new Map([...kept].map(([counter, { month }]) => [counter, month]));
    const settlement = settleCharges(account, fresh, months);
    const items = itemsOf(table, { account, kept }, settlement, fresh);
    if (items.length > MAX_ITEMS || (isTooLong(items[0]) && fresh.length > 1)) {
      return settleHalves(table, tenantId, fresh);
    }
    try {
      await writeTogether(table, items);
      return new Map(fresh.map((charge, n) => [charge, settlement.outcomes[n] ?? { outcome: 'duplicate' }]));
    } catch (error) {
      const codes = cancellationCodes(error);
      for (const charge of duplicatesIn(fresh, codes)) duplicates.add(charge);
      if (codes.includes(CONDITION_FAILED)) return MOVED;
      throw error;
    }
  });
}

/** What charges burn and count is only known once they are decided: overage has two rows, each limit its own path. */
async function settleHalves(
  table: LedgerTable,
  tenantId: TenantId,
  charges: readonly Charge[],
): Promise<ReadonlyMap<Charge, SettledCharge>> {
  const middle = Math.ceil(charges.length / 2);
  const first = await settleChunk(table, tenantId, charges.slice(0, middle));
  const second = await settleChunk(table, tenantId, charges.slice(middle));
  return new Map([...first, ...second]);
}

/** DynamoDB's limit on an expression. Many limited keys in one batch come near it: each counter has its own path. */
const MAX_EXPRESSION = 4_096;

const isTooLong = (item: WriteItem | undefined): boolean =>
  Math.max(item?.Update?.UpdateExpression?.length ?? 0, item?.Update?.ConditionExpression?.length ?? 0) >
  MAX_EXPRESSION;

const CONDITION_FAILED = 'ConditionalCheckFailed';

/** The entries stand right after the account in the transaction: where one exists, its event was settled before. */
const duplicatesIn = (fresh: readonly Charge[], codes: readonly string[]): readonly Charge[] =>
  fresh.filter((_, index) => codes[index + 1] === CONDITION_FAILED);

type ReadBook = { readonly account: Account; readonly kept: ReadonlyMap<string, KeptMonth> };

function itemsOf(
  table: LedgerTable,
  { account, kept }: ReadBook,
  settlement: Settlement,
  charges: readonly Charge[],
) {
  const entries = settlement.entries.map((draft, n) => finishEntry(draft, hashOf(charges[n])));
  return [
    accountWrite(table.name, account, settlement),
    ...entries.map((entry) => entryWrite(table.name, entry)),
    ...rollupWrites(table.name, settlement),
    ...settlement.months.map((month) =>
      monthWrite(table.name, settlement.account, month, kept.get(month.counter)),
    ),
    ...entries.flatMap((entry) => outboxWrites(table.name, entry)),
  ];
}

const hashOf = (charge: Charge | undefined): string => sha256(JSON.stringify(charge ?? null));
