import { QueryCommand, type QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import type { ArchiveDue, BadCursor, EntryPage, EntryQuery } from '#core/ledger/ports.ts';
import type { Entry, UsageRollup } from '#core/ledger/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { withRetries } from './ledgerRetry.ts';
import { ledgerKeys, toEntry, toRollup } from './ledgerRows.ts';
import { type LedgerTable, readRow, updateAccountItem } from './ledgerTable.ts';

const MAX_PAGE = 100;
const CURSOR = /^ENTRY#[^\n]{1,1000}$/;

/** Sorts after every character that a key holds. */
export const END = '\u{10FFFF}';

type Row = Record<string, unknown>;

/** One page of the book, newest first. The cursor is the last row's place, opaque to the client. */
export async function listEntries(
  table: LedgerTable,
  tenantId: TenantId,
  page: EntryQuery,
): Promise<Result<EntryPage, BadCursor>> {
  const after = page.cursor === undefined ? undefined : Buffer.from(page.cursor, 'base64url').toString();
  if (after !== undefined && !CURSOR.test(after)) return err({ code: 'invalid_cursor' });
  const pk = ledgerKeys.partition(tenantId);
  const { Items, LastEvaluatedKey } = await table.client.send(
    new QueryCommand({
      TableName: table.name,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
      ...filterOf(page),
      ExpressionAttributeValues: {
        ':pk': pk,
        ':prefix': `${ledgerKeys.entryPrefix}${page.day ?? ''}`,
        ...definedOf({ ':kind': page.kind, ':source': page.source, ':model': page.model }),
      },
      ScanIndexForward: false,
      ConsistentRead: true,
      Limit: Math.min(Math.max(page.limit, 1), MAX_PAGE),
      ...(after === undefined ? {} : { ExclusiveStartKey: { pk, sk: after } }),
    }),
  );
  const next: unknown = LastEvaluatedKey?.['sk'];
  return ok({
    entries: (Items ?? []).map(toEntry),
    nextCursor: typeof next === 'string' ? Buffer.from(next).toString('base64url') : null,
  });
}

const definedOf = (values: Readonly<Record<string, string | undefined>>): Row =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

function filterOf({
  kind,
  source,
  model,
}: EntryQuery): Pick<QueryCommandInput, 'FilterExpression' | 'ExpressionAttributeNames'> {
  const parts = [
    kind === undefined ? [] : ['#kind = :kind'],
    source === undefined ? [] : ['#source.#kind = :source'],
    model === undefined ? [] : ['#usage.#model = :model'],
  ].flat();
  if (parts.length === 0) return {};
  const names = [
    ...(kind === undefined && source === undefined ? [] : ['kind']),
    ...(source === undefined ? [] : ['source']),
    ...(model === undefined ? [] : ['usage', 'model']),
  ];
  return {
    FilterExpression: parts.join(' AND '),
    ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
  };
}

/** Roll-ups of the days from one to another, both included. */
export async function listRollups(
  table: LedgerTable,
  tenantId: TenantId,
  fromDay: string,
  toDay: string,
): Promise<readonly UsageRollup[]> {
  const { rollupPrefix } = ledgerKeys;
  const rollups: UsageRollup[] = [];
  const range = { from: `${rollupPrefix}${fromDay}`, to: `${rollupPrefix}${toDay}#${END}` };
  for await (const row of rowsBetween(table, tenantId, range)) rollups.push(toRollup(row));
  return rollups;
}

/** Every usage entry of one hour, oldest first. */
export async function* entriesOfHour(
  table: LedgerTable,
  tenantId: TenantId,
  hour: string,
): AsyncGenerator<Entry> {
  const prefix = `${ledgerKeys.entryPrefix}${hour}`;
  for await (const row of rowsBetween(table, tenantId, { from: prefix, to: `${prefix}${END}` })) {
    const entry = toEntry(row);
    if (entry.source.kind === 'usage') yield entry;
  }
}

/** Rows of a range of keys, page by page: as many as the partition holds, never more than a page in memory. */
export async function* rowsBetween(
  table: LedgerTable,
  tenantId: TenantId,
  range: { readonly from: string; readonly to: string },
): AsyncGenerator<Row> {
  let start: Row | undefined;
  do {
    const query = new QueryCommand({
      TableName: table.name,
      KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
      ExpressionAttributeValues: {
        ':pk': ledgerKeys.partition(tenantId),
        ':from': range.from,
        ':to': range.to,
      },
      ConsistentRead: true,
      ...(start === undefined ? {} : { ExclusiveStartKey: start }),
    });
    const page = await withRetries(table.patience, () => table.client.send(query));
    yield* page.Items ?? [];
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
}

const dueSchema = z.object({ archiveDue: z.record(z.string(), z.int()) });

/** Hours with usage settled since they were archived, oldest first. */
export async function archiveDue(table: LedgerTable, tenantId: TenantId): Promise<readonly ArchiveDue[]> {
  const item = await readRow(table, tenantId, ledgerKeys.account);
  if (item === undefined) return [];
  return Object.entries(dueSchema.parse(item).archiveDue)
    .map(([hour, version]) => ({ hour, version }))
    .sort((a, b) => (a.hour < b.hour ? -1 : 1));
}

/** Takes an hour off the list unless usage was settled in it since it was read. */
export async function clearArchiveDue(
  table: LedgerTable,
  tenantId: TenantId,
  due: ArchiveDue,
): Promise<boolean> {
  return updateAccountItem(table, tenantId, {
    UpdateExpression: 'REMOVE archiveDue.#hour',
    ConditionExpression: 'archiveDue.#hour = :version',
    ExpressionAttributeNames: { '#hour': due.hour },
    ExpressionAttributeValues: { ':version': due.version },
  });
}
