import type { AccountRefused } from '#core/ledger/ports.ts';
import { dayOf } from '#core/ledger/rollup.ts';
import type { Account } from '#core/ledger/types.ts';
import {
  changeLimits,
  type LimitChange,
  type LimitChangeRefused,
  type SpentSoFar,
  slowKey as slowKeyRule,
} from '#core/limits/changeLimits.ts';
import { type AccountLimits, LIMIT_KINDS, type ScopeLimits, type Slowdown } from '#core/limits/types.ts';
import { periodStartMs } from '#core/limits/windows.ts';
import type { KeyId, TenantId } from '#core/shared/ids.ts';
import { err, type Result } from '#core/shared/result.ts';
import { MOVED, withRetries } from './ledgerRetry.ts';
import { ledgerKeys, toEntry } from './ledgerRows.ts';
import { type LedgerTable, readAccountItem, updateAccountItem } from './ledgerTable.ts';
import { listRollups, rowsBetween } from './ledgerUsage.ts';
import { limitParts } from './limitRows.ts';

type Changed = Result<AccountLimits, AccountRefused | LimitChangeRefused>;

/** Sets the limits of a tenant or a key, for every hold that is placed after it. */
export const setLimits = (table: LedgerTable, tenantId: TenantId, change: LimitChange): Promise<Changed> =>
  changeAccount(table, tenantId, async (account) => {
    const timeZone = change.timeZone ?? account.limits?.timeZone ?? 'UTC';
    const spent = beginsCap(account.limits, change)
      ? await readSpent(table, tenantId, timeZone, change.nowMs)
      : () => 0;
    return changeLimits(account.limits, change, spent);
  });

/** Slows a key until a moment, for every hold that is placed after it. */
export const slowKey = (
  table: LedgerTable,
  tenantId: TenantId,
  { keyId, slow }: { readonly keyId: KeyId; readonly slow: Slowdown },
): Promise<Changed> =>
  changeAccount(table, tenantId, async (account) => slowKeyRule(account.limits, keyId, slow));

async function changeAccount(
  table: LedgerTable,
  tenantId: TenantId,
  decide: (account: Account) => Promise<Result<AccountLimits, LimitChangeRefused>>,
): Promise<Changed> {
  return withRetries(table.patience, async () => {
    const account = await readAccountItem(table, tenantId);
    if (account === undefined) return err({ code: 'account_not_found' });
    const decided = await decide(account);
    if (!decided.ok) return decided;
    return (await writeLimits(table, account, decided.value)) ? decided : MOVED;
  });
}

/**
 * Writes what changed of the limits and leaves what was counted meanwhile. The version must still be the one that
 * was read: what was charged by then is in the caps' first count, and what is charged later is counted as it comes.
 */
async function writeLimits(table: LedgerTable, account: Account, after: AccountLimits): Promise<boolean> {
  const { parts, path, value } = limitParts();
  const { limits: before } = account;
  if (before === undefined) {
    parts.sets.push(`${path()} = ${value(after)}`);
    parts.conditions.push(`attribute_not_exists(${path()})`);
  } else {
    parts.conditions.push(`${path('revision')} = ${value(before.revision)}`);
    const put = (names: readonly string[], was: unknown, is: unknown): void => {
      if (is === undefined && was !== undefined) parts.removes.push(path(...names));
      if (is !== undefined && is !== was) parts.sets.push(`${path(...names)} = ${value(is)}`);
    };
    put(['revision'], before.revision, after.revision);
    put(['timeZone'], before.timeZone, after.timeZone);
    put(['onUnusual'], before.onUnusual, after.onUnusual);
    for (const scope of new Set([...Object.keys(before.scopes), ...Object.keys(after.scopes)])) {
      const [was, is] = [before.scopes[scope], after.scopes[scope]];
      if (was === undefined || is === undefined) put(['scopes', scope], was, is);
      else putScope(scope, was, is, put);
    }
  }
  parts.conditions.push(`version = ${value(account.version)}`);
  return updateAccountItem(table, account.tenantId, {
    UpdateExpression: [
      `SET ${parts.sets.join(', ')}`,
      parts.removes.length === 0 ? '' : ` REMOVE ${parts.removes.join(', ')}`,
    ].join(''),
    ConditionExpression: parts.conditions.join(' AND '),
    ExpressionAttributeNames: parts.names,
    ExpressionAttributeValues: parts.values,
  });
}

function putScope(
  scope: string,
  was: ScopeLimits,
  is: ScopeLimits,
  put: (names: readonly string[], was: unknown, is: unknown) => void,
): void {
  for (const kind of LIMIT_KINDS) {
    const [old, counter] = [was[kind], is[kind]];
    // A counter that goes on keeps its count, which others write at the same time.
    if (old !== undefined && counter?.since === old.since)
      put(['scopes', scope, kind, 'max'], old.max, counter.max);
    else put(['scopes', scope, kind], old, counter);
  }
  put(['scopes', scope, 'slow'], was.slow, is.slow);
}

/** Whether a cap begins, which must know what was charged before it. */
const beginsCap = (limits: AccountLimits | undefined, { scope, rules, timeZone }: LimitChange): boolean =>
  (timeZone !== undefined && timeZone !== limits?.timeZone) ||
  (['day', 'month'] as const).some(
    (kind) => rules[kind] !== undefined && limits?.scopes[scope]?.[kind] === undefined,
  );

/** What was charged since the day and the month began: the roll-ups of whole UTC days, less what was before them. */
async function readSpent(
  table: LedgerTable,
  tenantId: TenantId,
  timeZone: string,
  nowMs: number,
): Promise<SpentSoFar> {
  const sums = { day: new Map<string, number>(), month: new Map<string, number>() };
  for (const kind of ['day', 'month'] as const) {
    const add = (keyId: KeyId, amount: number): void => {
      for (const scope of ['tenant', keyId]) sums[kind].set(scope, (sums[kind].get(scope) ?? 0) + amount);
    };
    const start = new Date(periodStartMs(kind, timeZone, nowMs)).toISOString();
    const fromDay = start.slice(0, 10);
    for (const rollup of await listRollups(table, tenantId, fromDay, dayOf(nowMs))) {
      add(rollup.keyId, rollup.costMicro);
    }
    const range = { from: `${ledgerKeys.entryPrefix}${fromDay}`, to: `${ledgerKeys.entryPrefix}${start}` };
    for await (const row of rowsBetween(table, tenantId, range)) {
      const { usage, amountMicro } = toEntry(row);
      if (usage !== undefined) add(usage.keyId, amountMicro);
    }
  }
  return (scope, kind) => sums[kind].get(scope) ?? 0;
}
