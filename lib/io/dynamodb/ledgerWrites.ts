import type { TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { nextGrantExpiryMs } from '#core/ledger/account.ts';
import type { AvailableGuard, Change } from '#core/ledger/change.ts';
import { hourOf, rollUp } from '#core/ledger/rollup.ts';
import type { Account, Entry, EntrySource, GrantRecord, UsageRollup } from '#core/ledger/types.ts';
import { fromEntry, fromHold, ledgerKeys, type SourceMark } from './ledgerRows.ts';
import { limitsDifference } from './limitRows.ts';

export type WriteItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/**
 * The account's part of a change, as differences from what was read: holds that come and go meanwhile are kept.
 * It is refused when the version moved, when a hold that it touches has changed, or when the guard on available fails.
 */
export const accountWrite = (table: string, before: Account, change: Change): WriteItem => ({
  Update: accountUpdate(table, before, change),
});

/** The same as an update by itself, where it comes with no entries. */
export function accountUpdate(table: string, before: Account, { account: after, entries, guard }: Change) {
  const names: Record<string, string> = {};
  const values: Record<string, unknown> = {
    ':available': after.availableMicro - before.availableMicro,
    ':held': after.heldMicro - before.heldMicro,
    ':debt': after.debtMicro,
    ':grants': after.grants,
    ':before': before.version,
    ':after': after.version,
  };
  const limits = limitsDifference(before.limits, after.limits);
  const sets = [
    'availableMicro = availableMicro + :available, heldMicro = heldMicro + :held',
    'debtMicro = :debt, grants = :grants, version = :after',
    ...limits.sets,
  ];
  const removes = [...limits.removes];
  const conditions = ['version = :before', ...limits.conditions];

  const touched = Object.values(before.holds).filter((hold) => after.holds[hold.id] !== hold);
  for (const [index, hold] of touched.entries()) {
    const path = `holds.#h${index}`;
    const is = after.holds[hold.id];
    names[`#h${index}`] = hold.id;
    values[`:hold${index}`] = fromHold(hold);
    // As it was read, not its mere presence: an id that was voided and placed again may hold another amount.
    conditions.push(`${path} = :hold${index}`);
    if (is === undefined) removes.push(path);
    else {
      values[`:is${index}`] = fromHold(is);
      sets.push(`${path} = :is${index}`);
    }
  }
  const hours = new Set(entries.filter((entry) => entry.usage).map((entry) => hourOf(entry.atMs)));
  for (const [index, hour] of [...hours].entries()) {
    names[`#hour${index}`] = hour;
    sets.push(`archiveDue.#hour${index} = :after`);
  }
  const nextExpiry = nextGrantExpiryMs(after);
  if (nextExpiry === undefined) removes.push('nextGrantExpiryMs');
  else {
    values[':nextExpiry'] = nextExpiry;
    sets.push('nextGrantExpiryMs = :nextExpiry');
  }
  if (guard.kind !== 'none') {
    values[':guard'] = guard.amountMicro;
    conditions.push(guardExpression(guard));
  }
  return {
    TableName: table,
    Key: { pk: ledgerKeys.partition(before.tenantId), sk: ledgerKeys.account },
    UpdateExpression: `SET ${sets.join(', ')}${removes.length === 0 ? '' : ` REMOVE ${removes.join(', ')}`}`,
    ConditionExpression: conditions.join(' AND '),
    ...namesOf({ ...names, ...limits.names }),
    ExpressionAttributeValues: { ...values, ...limits.values },
  };
}

/** No names at all rather than an empty list of them, which DynamoDB refuses. */
const namesOf = (names: Readonly<Record<string, string>>) =>
  Object.keys(names).length === 0 ? {} : { ExpressionAttributeNames: names };

const guardExpression = ({ kind }: AvailableGuard): string =>
  kind === 'exactly' ? 'availableMicro = :guard' : 'availableMicro >= :guard';

/** Appends an entry; refused when the row is there. */
export const entryWrite = (table: string, entry: Entry): WriteItem => ({
  Put: {
    TableName: table,
    Item: fromEntry(entry),
    ConditionExpression: 'attribute_not_exists(pk)',
  },
});

/** Writes a grant's record; `isNew` refuses one that is there. */
export const grantWrite = (
  table: string,
  account: Account,
  record: GrantRecord,
  isNew: boolean,
): WriteItem => ({
  Put: {
    TableName: table,
    Item: {
      pk: ledgerKeys.partition(account.tenantId),
      sk: ledgerKeys.grant(record.id),
      ...record,
      accountVersion: account.version,
    },
    ConditionExpression: isNew ? 'attribute_not_exists(pk)' : 'attribute_exists(pk)',
  },
});

/** Marks what a source made, on top of what was read; refused when another attempt marked the same meanwhile. */
export function markWrite(
  table: string,
  account: Account,
  source: EntrySource,
  marks: { readonly read: SourceMark; readonly made: SourceMark },
): WriteItem {
  const isNew = Object.keys(marks.read).length === 0;
  return {
    Put: {
      TableName: table,
      Item: {
        pk: ledgerKeys.partition(account.tenantId),
        sk: ledgerKeys.mark(source),
        source,
        made: { ...marks.read, ...marks.made },
        accountVersion: account.version,
      },
      ConditionExpression: isNew ? 'attribute_not_exists(pk)' : 'made = :read',
      ...(isNew ? {} : { ExpressionAttributeValues: { ':read': marks.read } }),
    },
  };
}

/** Adds a change's usage to its roll-ups, one row each. */
export const rollupWrites = (table: string, change: Change): readonly WriteItem[] =>
  rollUp(change.entries).map((rollup) => rollupWrite(table, change.account, rollup));

const ADDED = ['calls', 'failedCalls', 'inputTokens', 'outputTokens', 'computeMs', 'costMicro'] as const;

function rollupWrite(table: string, account: Account, rollup: UsageRollup): WriteItem {
  return {
    Update: {
      TableName: table,
      Key: { pk: ledgerKeys.partition(account.tenantId), sk: ledgerKeys.rollup(rollup) },
      UpdateExpression: `SET #day = :day, keyId = :keyId, #model = :model, accountVersion = :version ADD ${ADDED.map(
        (name) => `#${name} :${name}`,
      ).join(', ')}`,
      ExpressionAttributeNames: {
        '#day': 'day',
        '#model': 'model',
        ...Object.fromEntries(ADDED.map((name) => [`#${name}`, name])),
      },
      ExpressionAttributeValues: {
        ':day': rollup.day,
        ':keyId': rollup.keyId,
        ':model': rollup.model,
        ':version': account.version,
        ...Object.fromEntries(ADDED.map((name) => [`:${name}`, rollup[name]])),
      },
    },
  };
}
