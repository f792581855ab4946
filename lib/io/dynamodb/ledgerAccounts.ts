import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { emptyAccount } from '#core/ledger/account.ts';
import type { AccountRefused } from '#core/ledger/ports.ts';
import type { Account, AccountStatus } from '#core/ledger/types.ts';
import type { KeyId, TenantId } from '#core/shared/ids.ts';
import type { MicroCredits } from '#core/shared/money.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { isConditionFailed, MOVED, withRetries } from './ledgerRetry.ts';
import { fromAccount } from './ledgerRows.ts';
import { type LedgerTable, readAccount, readAccountItem, updateAccountItem } from './ledgerTable.ts';

/** Opens an empty account; one that is there stays as it is. */
export async function openAccount(
  table: LedgerTable,
  tenantId: TenantId,
  overdraftLimitMicro: MicroCredits,
): Promise<void> {
  await withRetries(table.patience, async () => {
    try {
      await table.client.send(
        new PutCommand({
          TableName: table.name,
          Item: fromAccount(emptyAccount(tenantId, overdraftLimitMicro)),
          ConditionExpression: 'attribute_not_exists(pk)',
        }),
      );
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
    }
  });
}

/** Sets whether the account may place holds. A closed account stays closed. */
export async function setStatus(
  table: LedgerTable,
  tenantId: TenantId,
  status: AccountStatus,
): Promise<Result<AccountStatus, AccountRefused>> {
  const written = await updateAccountItem(table, tenantId, {
    UpdateExpression: 'SET #status = :status',
    ConditionExpression: 'attribute_exists(pk) AND (#status <> :closed OR :status = :closed)',
    ExpressionAttributeNames: { '#status': 'status' },
    ExpressionAttributeValues: { ':status': status, ':closed': 'closed' },
  });
  if (written) return ok(status);
  const account = await readAccount(table, tenantId);
  return err({ code: account === undefined ? 'account_not_found' : 'account_closed' });
}

/** Stops a key from a moment on; a stop that begins earlier stays. */
export async function stopKey(
  table: LedgerTable,
  tenantId: TenantId,
  keyId: KeyId,
  fromMs: number,
): Promise<Result<number, AccountRefused>> {
  const written = await updateAccountItem(table, tenantId, {
    UpdateExpression: 'SET keyStops.#key = :from',
    ConditionExpression:
      'attribute_exists(pk) AND (attribute_not_exists(keyStops.#key) OR keyStops.#key > :from)',
    ExpressionAttributeNames: { '#key': keyId },
    ExpressionAttributeValues: { ':from': fromMs },
  });
  if (written) return ok(fromMs);
  const stopped = (await readAccount(table, tenantId))?.keyStops[keyId];
  return stopped === undefined ? err({ code: 'account_not_found' }) : ok(stopped);
}

/** Key stops that one write forgets; the next sweep takes the others. */
const MAX_FORGOTTEN = 50;

/**
 * Drops key stops that began before a moment, and those keys' limits: by then every cache has learnt from the
 * directory that there are no such keys.
 */
export async function forgetKeyStops(
  table: LedgerTable,
  tenantId: TenantId,
  beforeMs: number,
): Promise<void> {
  await withRetries(table.patience, async () => {
    const account = await readAccountItem(table, tenantId);
    const stops = Object.entries(account?.keyStops ?? {});
    const old = stops.filter(([, fromMs]) => fromMs < beforeMs).slice(0, MAX_FORGOTTEN);
    if (account === undefined || old.length === 0) return;
    return (await forget(table, account, Object.fromEntries(old))) ? undefined : MOVED;
  });
}

/** False, and nothing forgotten, when the limits changed meanwhile. */
function forget(
  table: LedgerTable,
  { tenantId, limits }: Account,
  keys: Readonly<Record<string, number>>,
): Promise<boolean> {
  // A stop only ever moves to an earlier moment, so that what was old when read is old now.
  const names = Object.fromEntries(Object.keys(keys).map((keyId, index) => [`#k${index}`, keyId]));
  const limited = Object.entries(names).filter(([, keyId]) => limits?.scopes[keyId] !== undefined);
  const removes = [
    ...Object.keys(names).map((name) => `keyStops.${name}`),
    ...limited.map(([name]) => `limits.scopes.${name}`),
  ];
  const isLimited = limits !== undefined && limited.length > 0;
  return updateAccountItem(table, tenantId, {
    UpdateExpression: `${isLimited ? 'SET limits.revision = :next ' : ''}REMOVE ${removes.join(', ')}`,
    ConditionExpression: isLimited ? 'limits.revision = :revision' : 'attribute_exists(pk)',
    ExpressionAttributeNames: names,
    ...(isLimited && {
      ExpressionAttributeValues: { ':revision': limits.revision, ':next': limits.revision + 1 },
    }),
  });
}
