import * as z from 'zod/mini';
import type { AuditRow } from '#core/ledger/auditBook.ts';
import { toMonth } from './ledgerMonths.ts';
import { sourceSchema, toEntry, toGrantRecord, toRollup } from './ledgerRows.ts';

const versionSchema = z.object({ accountVersion: z.int() });
const markSchema = z.object({ source: sourceSchema, made: z.record(z.string(), z.string()) });

/** Reads any row of a book but the account. Throws for a row that no part of this store writes. */
export function toAuditRow(item: Readonly<Record<string, unknown>>): AuditRow {
  const key = String(item['sk']);
  const accountVersion = () => versionSchema.parse(item).accountVersion;
  if (key.startsWith('ENTRY#')) return { row: 'entry', entry: toEntry(item) };
  if (key.startsWith('GRANT#')) {
    return { row: 'grant', record: toGrantRecord(item), accountVersion: accountVersion() };
  }
  if (key.startsWith('MONTH#')) return { row: 'month', ...toMonth(item) };
  if (key.startsWith('ROLL#')) {
    return { row: 'rollup', rollup: toRollup(item), accountVersion: accountVersion() };
  }
  const { source, made } = markSchema.parse(item);
  return { row: 'mark', source, kinds: Object.keys(made), accountVersion: accountVersion() };
}
