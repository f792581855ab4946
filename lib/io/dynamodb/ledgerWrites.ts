import type { TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { nextGrantExpiryMs } from '#core/ledger/account.ts';
import type { AvailableGuard, Change } from '#core/ledger/change.ts';
import { hourOf, rollUp } from '#core/ledger/rollup.ts';
import type { Account, Entry, EntrySource, GrantRecord, UsageRollup } from '#core/ledger/types.ts';
import { fromEntry, ledgerKeys, type SourceMark } from './ledgerRows.ts';

export type WriteItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/**
 * The account's part of a change, as differences from what was read: holds that come and go meanwhile are kept.
 * It is refused when the version moved, when a hold that it closes is gone, or when the guard on available fails.
 */
export function accountWrite(table: string, before: Account, change: Change): WriteItem {
  const { account: after, entries, guard } = change;
  const closed = Object.keys(before.holds).filter((id) => after.holds[id] === undefined);
  const names: Record<string, string> = {};
  const holdPaths = closed.map((id, index) => {
    names[`#h${index}`] = id;
    return `holds.#h${index}`;
  });
  const nextExpiry = nextGrantExpiryMs(after);
  const hours = [...new Set(entries.filter((entry) => entry.usage).map((entry) => hourOf(entry.atMs)))];
  hours.forEach((hour, index) => {
    names[`#hour${index}`] = hour;
  });
  const available = guardExpression(guard);

  const removed = [...holdPaths, ...(nextExpiry === undefined ? ['nextGrantExpiryMs'] : [])];
  const update = [
    'SET availableMicro = availableMicro + :available, heldMicro = heldMicro + :held, debtMicro = :debt',
    ', grants = :grants, version = :after',
    nextExpiry === undefined ? '' : ', nextGrantExpiryMs = :nextExpiry',
    ...hours.map((_, index) => `, archiveDue.#hour${index} = :after`),
    removed.length === 0 ? '' : ` REMOVE ${removed.join(', ')}`,
  ];
  const conditions = [
    'version = :before',
    // By its amount, not its mere presence: an id that was voided and placed again may hold another amount.
    ...holdPaths.map((path, index) => `${path}.amountMicro = :hold${index}`),
    ...(available === undefined ? [] : [available]),
  ];
  return {
    Update: {
      TableName: table,
      Key: { pk: ledgerKeys.partition(before.tenantId), sk: ledgerKeys.account },
      UpdateExpression: update.join(''),
      ConditionExpression: conditions.join(' AND '),
      ...(Object.keys(names).length === 0 ? {} : { ExpressionAttributeNames: names }),
      ExpressionAttributeValues: {
        ':available': after.availableMicro - before.availableMicro,
        ':held': after.heldMicro - before.heldMicro,
        ':debt': after.debtMicro,
        ':grants': after.grants,
        ':before': before.version,
        ':after': after.version,
        ...Object.fromEntries(closed.map((id, index) => [`:hold${index}`, before.holds[id]?.amountMicro])),
        ...(nextExpiry === undefined ? {} : { ':nextExpiry': nextExpiry }),
        ...(guard.kind === 'none' ? {} : { ':guard': guard.amountMicro }),
      },
    },
  };
}

function guardExpression(guard: AvailableGuard): string | undefined {
  switch (guard.kind) {
    case 'none':
      return undefined;
    case 'at_least':
      return 'availableMicro >= :guard';
    case 'exactly':
      return 'availableMicro = :guard';
  }
}

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
