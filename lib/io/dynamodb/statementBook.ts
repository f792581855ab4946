import {
  type DynamoDBDocumentClient,
  PutCommand,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import type { TenantId } from '#core/shared/ids.ts';
import type { BookRange, KeptSeal, PlacedEntry, StatementBook } from '#core/statements/ports.ts';
import { signedSealSchema } from '#core/statements/types.ts';
import { isConditionFailed, type Patience, systemPatience, withRetries } from './ledgerRetry.ts';
import { ledgerKeys, toEntry } from './ledgerRows.ts';
import { type LedgerTable, readAccount } from './ledgerTable.ts';
import { END, rowsBetween } from './ledgerUsage.ts';

const SEAL_PREFIX = 'SEAL#';

/** Statements' part of the ledger's table: seals stand beside the entries, `SEAL#<from>` in the tenant's partition. */
export function makeStatementBook(
  client: DynamoDBDocumentClient,
  tableName: string,
  patience: Patience = systemPatience,
): StatementBook {
  const table: LedgerTable = { client, name: tableName, patience };
  return {
    readAccount: (tenantId) => readAccount(table, tenantId),
    firstEntryMs: async (tenantId) => {
      const [row] = await queryPrefix(table, tenantId, ledgerKeys.entryPrefix, { Limit: 1 });
      return row === undefined ? undefined : toEntry(row).atMs;
    },
    entries: (tenantId, range) => entriesIn(table, tenantId, range),
    daysSettledSince: (tenantId, version, lastDay) => daysSettledSince(table, tenantId, version, lastDay),
    lastSeal: async (tenantId) => {
      const options = { Limit: 1, ScanIndexForward: false };
      const [row] = await queryPrefix(table, tenantId, SEAL_PREFIX, options);
      return row === undefined ? undefined : keptSchema.parse(row);
    },
    sealsOfMonth: async (tenantId, month) => {
      const seals: KeptSeal[] = [];
      const prefix = `${SEAL_PREFIX}${month}`;
      for await (const row of rowsBetween(table, tenantId, { from: prefix, to: `${prefix}${END}` })) {
        seals.push(keptSchema.parse(row));
      }
      return seals;
    },
    addSeal: (kept) => addSeal(table, kept),
  };
}

const keptSchema = z.pipe(
  z.object({ ...signedSealSchema.shape, lateDays: z.array(z.string()) }),
  z.transform((kept): KeptSeal => kept),
);

async function addSeal(table: LedgerTable, kept: KeptSeal): Promise<'sealed' | 'already_sealed'> {
  const { tenantId, from } = kept.seal;
  return withRetries(table.patience, async () => {
    try {
      await table.client.send(
        new PutCommand({
          TableName: table.name,
          Item: { pk: ledgerKeys.partition(tenantId), sk: `${SEAL_PREFIX}${from}`, ...kept },
          ConditionExpression: 'attribute_not_exists(pk)',
        }),
      );
      return 'sealed';
    } catch (error) {
      if (isConditionFailed(error)) return 'already_sealed';
      throw error;
    }
  });
}

/** The last moment that a key can name. */
const MAX_TIME_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

async function* entriesIn(
  table: LedgerTable,
  tenantId: TenantId,
  { fromMs, toMs, after }: BookRange,
): AsyncGenerator<PlacedEntry> {
  const at = (ms: number) => `${ledgerKeys.entryPrefix}${new Date(Math.min(ms, MAX_TIME_MS)).toISOString()}`;
  // No row's key is a moment alone, so that a range ends before the rows of its last moment.
  const range = { from: after !== undefined && after > at(fromMs) ? after : at(fromMs), to: at(toMs) };
  if (range.from > range.to) return;
  for await (const row of rowsBetween(table, tenantId, range)) {
    const place = String(row['sk']);
    if (place !== after) yield { place, entry: toEntry(row) };
  }
}

const settledSchema = z.object({ day: z.string(), accountVersion: z.int() });

async function daysSettledSince(
  table: LedgerTable,
  tenantId: TenantId,
  version: number,
  lastDay: string,
): Promise<readonly string[]> {
  const days = new Set<string>();
  const { rollupPrefix } = ledgerKeys;
  const range = { from: rollupPrefix, to: `${rollupPrefix}${lastDay}#${END}` };
  for await (const row of rowsBetween(table, tenantId, range)) {
    const { day, accountVersion } = settledSchema.parse(row);
    if (accountVersion > version) days.add(day);
  }
  return [...days];
}

async function queryPrefix(
  table: LedgerTable,
  tenantId: TenantId,
  prefix: string,
  options: Pick<QueryCommandInput, 'Limit' | 'ScanIndexForward'>,
) {
  const query = new QueryCommand({
    TableName: table.name,
    KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
    ExpressionAttributeValues: { ':pk': ledgerKeys.partition(tenantId), ':prefix': prefix },
    ConsistentRead: true,
    ...options,
  });
  return (await withRetries(table.patience, () => table.client.send(query))).Items ?? [];
}
