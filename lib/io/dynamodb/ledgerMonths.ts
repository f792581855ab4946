import * as z from 'zod/mini';
import type { MonthTotals } from '#core/ledger/months.ts';
import type { Account } from '#core/ledger/types.ts';
import { MONTHLY_MEASURES } from '#core/pricing/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { microSchema } from '#core/shared/schemas.ts';
import { ledgerKeys } from './ledgerRows.ts';
import { type LedgerTable, readRow } from './ledgerTable.ts';
import type { WriteItem } from './ledgerWrites.ts';

/** A month's totals, and the account's version when they were last written: what their next write must find. */
export type KeptMonth = { readonly month: MonthTotals; readonly accountVersion: number };

const monthSchema = z.object({
  counter: z.string(),
  totals: z.partialRecord(z.enum(MONTHLY_MEASURES), z.object({ units: z.int(), billedMicro: microSchema })),
  accountVersion: z.int(),
});

/** Reads a row of a month's totals. */
export function toMonth(item: unknown): KeptMonth {
  const { accountVersion, ...month } = monthSchema.parse(item);
  return { month, accountVersion };
}

/** The totals of these counters, as far as there are any. */
export async function readMonths(
  table: LedgerTable,
  tenantId: TenantId,
  counters: readonly string[],
): Promise<ReadonlyMap<string, KeptMonth>> {
  const rows = await Promise.all(
    counters.map((counter) => readRow(table, tenantId, ledgerKeys.month(counter))),
  );
  const kept = rows.filter((row) => row !== undefined).map(toMonth);
  return new Map(kept.map((one) => [one.month.counter, one]));
}

/** Replaces a month's totals; refused when another settlement wrote them since they were read. */
export const monthWrite = (
  table: string,
  account: Account,
  month: MonthTotals,
  read: KeptMonth | undefined,
): WriteItem => ({
  Put: {
    TableName: table,
    Item: {
      pk: ledgerKeys.partition(account.tenantId),
      sk: ledgerKeys.month(month.counter),
      ...month,
      accountVersion: account.version,
    },
    ...(read === undefined
      ? { ConditionExpression: 'attribute_not_exists(pk)' }
      : {
          ConditionExpression: 'accountVersion = :read',
          ExpressionAttributeValues: { ':read': read.accountVersion },
        }),
  },
});
