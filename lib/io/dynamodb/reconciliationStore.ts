import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import type { LostCalls, ReconciliationStore } from '#core/reconciliation/ports.ts';
import { CAUSES, PAIRS } from '#core/reconciliation/types.ts';
import { idSchema } from '#core/shared/idSchema.ts';
import type { HoldId, TenantId } from '#core/shared/ids.ts';
import { makeTableReader } from './tableReader.ts';

/**
 * In the billing table: `reconciliation#<day>` / `report`, listed by the index under `reconciliations`;
 * `awsCosts#<month>` / `costs`; `lostCalls#<day>` / `<hold>`.
 */
const reportKey = (day: string) => ({ pk: `reconciliation#${day}`, sk: 'report' });
const costsKey = (month: string) => ({ pk: `awsCosts#${month}`, sk: 'costs' });
const lostPartition = (day: string) => `lostCalls#${day}`;
const LIST = 'reconciliations';

const pair = z.enum(PAIRS);
const amount = z.nullable(z.number());
const Report = z.object({
  day: z.string(),
  ranAtMs: z.int(),
  totals: z.array(z.object({ pair, leftMicro: z.number(), rightMicro: z.number(), compared: z.int() })),
  differences: z.array(
    z.object({
      pair,
      id: z.string(),
      tenantId: z.nullable(idSchema<TenantId>('tenant')),
      leftMicro: amount,
      rightMicro: amount,
      cause: z.enum(CAUSES),
      note: z.string(),
    }),
  ),
  differenceCount: z.int(),
  unknownCount: z.int(),
  unread: z.array(z.object({ pair, why: z.string(), isFault: z._default(z.boolean(), false) })),
});
const Costs = z.object({
  month: z.string(),
  lines: z.array(
    z.object({
      service: z.string(),
      resource: z.string(),
      day: z.exactOptional(z.string()),
      microUsd: z.number(),
      hours: z.number(),
    }),
  ),
  totalMicroUsd: z.number(),
  importedAtMs: z.int(),
  version: z.exactOptional(z.string()),
});
const LostItem = z.object({ tenantId: idSchema<TenantId>('tenant'), holdId: idSchema<HoldId>('hold') });

/** Reports by day, and AWS's costs by month. */
export function makeReconciliationStore(client: DynamoDBDocumentClient, table: string): ReconciliationStore {
  const { get, queryPage } = makeTableReader(client, table);
  const put = (Item: Record<string, unknown>) => client.send(new PutCommand({ TableName: table, Item }));
  return {
    save: async (report) => {
      await put({ ...reportKey(report.day), listPk: LIST, listSk: report.day, ...report });
    },
    read: async (day) => {
      const item = await get(reportKey(day));
      return item === undefined ? undefined : z.parse(Report, item);
    },
    list: async (page) => {
      const { items, more } = await queryPage({ partition: LIST, indexed: true, newestFirst: true }, page);
      const reports = items.map((item) => z.parse(Report, item));
      return { reports, nextCursor: more ? (reports.at(-1)?.day ?? null) : null };
    },
    saveCosts: async (costs) => {
      await put({ ...costsKey(costs.month), ...costs });
    },
    readCosts: async (month) => {
      const item = await get(costsKey(month));
      return item === undefined ? undefined : z.parse(Costs, item);
    },
  };
}

/** Calls whose hold ran out, noted by the sweeper of holds. */
export function makeLostCalls(client: DynamoDBDocumentClient, table: string): LostCalls {
  const { queryAll } = makeTableReader(client, table);
  return {
    note: async (calls, atMs) => {
      const pk = lostPartition(new Date(atMs).toISOString().slice(0, 10));
      for (const call of calls) {
        await client.send(new PutCommand({ TableName: table, Item: { pk, sk: call.holdId, ...call, atMs } }));
      }
    },
    ofDay: async (day) => {
      const list = { partition: lostPartition(day), indexed: false, newestFirst: false };
      return (await queryAll(list)).map((item) => z.parse(LostItem, item));
    },
  };
}
