import { type DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import type { AuditSource } from '#core/ledger/audit.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { idSchema } from '#core/shared/schemas.ts';
import { toAuditRow } from './ledgerAuditRow.ts';
import { systemPatience } from './ledgerRetry.ts';
import { ledgerKeys } from './ledgerRows.ts';
import { makeSweepLog } from './ledgerSweeps.ts';
import { type LedgerTable, readAccountItem } from './ledgerTable.ts';
import { END, rowsBetween } from './ledgerUsage.ts';

/** Reads a whole ledger table for an audit. The accounts are found by scanning: none is missed that no directory lists. */
export function makeAuditSource(client: DynamoDBDocumentClient, tableName: string): AuditSource {
  const table: LedgerTable = { client, name: tableName, patience: systemPatience };
  return {
    tenantIds: () => accountsIn(table),
    readAccount: (tenantId) => readAccountItem(table, tenantId),
    rows: async function* (tenantId) {
      const range = { from: ledgerKeys.entryPrefix, to: `${ledgerKeys.rollupPrefix}${END}` };
      for await (const row of rowsBetween(table, tenantId, range)) yield toAuditRow(row);
    },
    lastSweepMs: makeSweepLog(client, tableName).lastSweepMs,
  };
}

const accountIdSchema = z.object({ tenantId: idSchema<TenantId>('tenant') });

/** Page by page, as many as the table has. */
async function* accountsIn(table: LedgerTable): AsyncGenerator<TenantId> {
  let start: Record<string, unknown> | undefined;
  do {
    const { Items, LastEvaluatedKey } = await table.client.send(
      new ScanCommand({
        TableName: table.name,
        FilterExpression: 'sk = :account',
        ExpressionAttributeValues: { ':account': ledgerKeys.account },
        ProjectionExpression: 'tenantId',
        ConsistentRead: true,
        ...(start === undefined ? {} : { ExclusiveStartKey: start }),
      }),
    );
    for (const item of Items ?? []) yield accountIdSchema.parse(item).tenantId;
    start = LastEvaluatedKey;
  } while (start !== undefined);
}
