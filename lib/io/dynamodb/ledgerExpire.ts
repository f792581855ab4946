import { dueGrants, expireGrants } from '#core/ledger/expire.ts';
import { expiredHolds } from '#core/ledger/holds.ts';
import { KEY_STOP_KEPT_MS } from '#core/ledger/limits.ts';
import type { Account, GrantRecord } from '#core/ledger/types.ts';
import type { GrantId, HoldId, TenantId } from '#core/shared/ids.ts';
import { forgetKeyStops } from './ledgerAccounts.ts';
import { expireHolds } from './ledgerHoldEnds.ts';
import { cancellationCodes, MOVED, withRetries } from './ledgerRetry.ts';
import { finishEntry, ledgerKeys, sha256, toGrantRecord } from './ledgerRows.ts';
import { type LedgerTable, readAccount, readAccountItem, readRow, writeTogether } from './ledgerTable.ts';
import { accountWrite, entryWrite, grantWrite } from './ledgerWrites.ts';

/** Two rows a grant and the account stay well inside a transaction's 100 items. */
const MAX_GRANTS_A_WRITE = 40;
/** More rounds than an account can have open grants for. */
const MAX_ROUNDS = 10;

/** Ends what is past its time in one account: holds first, so that what they return can expire with its grant. */
export async function expire(
  table: LedgerTable,
  tenantId: TenantId,
  nowMs: number,
): Promise<{ readonly holds: readonly HoldId[]; readonly grants: readonly GrantId[] }> {
  const account = await readAccount(table, tenantId);
  if (account === undefined || !isAnythingDue(account, nowMs)) return { holds: [], grants: [] };
  const holds = await expireHolds(table, tenantId, nowMs);
  const grants: GrantId[] = [];
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const ended = await withRetries(table.patience, () => expireSomeGrants(table, tenantId, nowMs));
    grants.push(...ended);
    if (ended.length < MAX_GRANTS_A_WRITE) break;
  }
  await forgetKeyStops(table, tenantId, nowMs - KEY_STOP_KEPT_MS);
  return { holds, grants };
}

// Most accounts have nothing due, and then one read is all that the sweep costs.
const isAnythingDue = (account: Account, nowMs: number): boolean =>
  expiredHolds(account, nowMs).length > 0 ||
  dueGrants(account, nowMs).length > 0 ||
  Object.values(account.keyStops).some((fromMs) => fromMs < nowMs - KEY_STOP_KEPT_MS);

async function expireSomeGrants(
  table: LedgerTable,
  tenantId: TenantId,
  nowMs: number,
): Promise<readonly GrantId[] | typeof MOVED> {
  const account = await readAccountItem(table, tenantId);
  const due = account === undefined ? [] : dueGrants(account, nowMs).slice(0, MAX_GRANTS_A_WRITE);
  if (account === undefined || due.length === 0) return [];
  const records = new Map<GrantId, GrantRecord>();
  for (const row of await Promise.all(
    due.map((grant) => readRow(table, tenantId, ledgerKeys.grant(grant.id))),
  )) {
    const record = toGrantRecord(row);
    records.set(record.id, record);
  }
  const change = expireGrants(account, records, nowMs);
  if (change === undefined) return [];
  try {
    await writeTogether(table, [
      accountWrite(table.name, account, change),
      ...change.entries.map((draft) =>
        entryWrite(table.name, finishEntry(draft, sha256(JSON.stringify(draft.source)))),
      ),
      ...change.grants.map((record) => grantWrite(table.name, change.account, record, false)),
    ]);
    return change.grants.map((record) => record.id);
  } catch (error) {
    if (cancellationCodes(error).includes('ConditionalCheckFailed')) return MOVED;
    throw error;
  }
}
