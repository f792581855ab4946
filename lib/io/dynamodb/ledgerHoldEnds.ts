import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { endCall as endCallRule, endHolds, expiredHolds } from '#core/ledger/holds.ts';
import { MAX_OPEN_HOLDS } from '#core/ledger/limits.ts';
import type { Account } from '#core/ledger/types.ts';
import type { HoldId, TenantId } from '#core/shared/ids.ts';
import { isConditionFailed, MOVED, withRetries } from './ledgerRetry.ts';
import { ledgerKeys, toAccount } from './ledgerRows.ts';
import { type LedgerTable, readAccountItem } from './ledgerTable.ts';
import { accountUpdate } from './ledgerWrites.ts';

/** A closing write names each hold; expressions end at 4 KB. */
const MAX_HOLDS_A_WRITE = 50;
/** Where each hold may have counted against six counters of its own, which are named too. */
const MAX_COUNTED_HOLDS_A_WRITE = 10;

/**
 * Returns one hold in full, with one conditional write that reads the amount off the hold itself. A hold that limits
 * counted is read first, by that write's refusal.
 */
export async function voidHold(
  table: LedgerTable,
  tenantId: TenantId,
  holdId: HoldId,
): Promise<'voided' | 'already_ended'> {
  const command = new UpdateCommand({
    TableName: table.name,
    Key: { pk: ledgerKeys.partition(tenantId), sk: ledgerKeys.account },
    UpdateExpression:
      'SET availableMicro = availableMicro + holds.#hold.amountMicro, heldMicro = heldMicro - holds.#hold.amountMicro REMOVE holds.#hold',
    ConditionExpression: 'attribute_exists(holds.#hold) AND attribute_not_exists(holds.#hold.counted)',
    ExpressionAttributeNames: { '#hold': holdId },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });
  return withRetries(table.patience, async () => {
    try {
      await table.client.send(command);
      return 'voided';
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      const account = error.Item === undefined ? undefined : toAccount(unmarshall(error.Item));
      if (account?.holds[holdId] === undefined) return 'already_ended';
      return (await writeEnds(table, account, endHolds(account, [holdId]))) ? 'voided' : MOVED;
    }
  });
}

/** Tells that a call runs no longer. Two round trips, none of which anybody waits for. */
export async function endCall(table: LedgerTable, tenantId: TenantId, holdId: HoldId): Promise<void> {
  await withRetries(table.patience, async () => {
    const account = await readAccountItem(table, tenantId);
    if (account === undefined) return;
    const after = endCallRule(account, holdId);
    if (after === account) return;
    return (await writeEnds(table, account, after)) ? undefined : MOVED;
  });
}

/** Returns every hold that is past its time and answers which those were. */
export async function expireHolds(
  table: LedgerTable,
  tenantId: TenantId,
  nowMs: number,
): Promise<readonly HoldId[]> {
  const ended: HoldId[] = [];
  // Each round ends as many as a write takes; no account has more than MAX_OPEN_HOLDS open.
  for (let round = 0; round <= MAX_OPEN_HOLDS / MAX_COUNTED_HOLDS_A_WRITE; round++) {
    const closed = await withRetries(table.patience, async () => {
      const account = await readAccountItem(table, tenantId);
      if (account === undefined) return [];
      const most = account.limits === undefined ? MAX_HOLDS_A_WRITE : MAX_COUNTED_HOLDS_A_WRITE;
      const due = expiredHolds(account, nowMs).slice(0, most);
      const ids = due.map((hold) => hold.id);
      if (ids.length === 0) return ids;
      return (await writeEnds(table, account, endHolds(account, ids))) ? ids : MOVED;
    });
    ended.push(...closed);
    if (closed.length < MAX_COUNTED_HOLDS_A_WRITE) break;
  }
  return ended;
}

/** Writes what became of holds, as differences; false, and nothing changed, when the book or one of them moved meanwhile. */
async function writeEnds(table: LedgerTable, before: Account, after: Account): Promise<boolean> {
  const change = { account: after, entries: [], grants: [], guard: { kind: 'none' } } as const;
  try {
    await table.client.send(new UpdateCommand(accountUpdate(table.name, before, change)));
    return true;
  } catch (error) {
    if (isConditionFailed(error)) return false;
    throw error;
  }
}
