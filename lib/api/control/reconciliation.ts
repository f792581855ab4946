import * as z from 'zod/mini';
import { readBody, readQuery } from '#api/edge/readBody.ts';
import type { ApiError } from '#api/errors.ts';
import { refuse, respond } from '#api/http.ts';
import { addDays, dayAt, parseDay } from '#core/metering/periods.ts';
import type { Reconciliation } from '#core/reconciliation/types.ts';
import { formatCredits, micro } from '#core/shared/money.ts';
import type { RouteHandler } from './dispatch.ts';
import { listBody, pageFields, pageOf, toSeconds } from './fields.ts';

const dayField = z
  .string()
  .check(
    z.refine((text) => parseDay(text) !== undefined, { error: 'must be a day of UTC, such as "2026-11-22"' }),
  );
const MONTH = /^20\d\d-(0[1-9]|1[0-2])$/;
const MAX_LINES = 2_000;

const NewRun = z.strictObject({ day: z.optional(dayField) });

/** `POST /admin/reconciliation {day?}` → 202: the day (yesterday, if none is named) is reconciled in a moment. */
export const startReconciliation: RouteHandler = async ({ reconciliation, world }, request) => {
  const body = readBody(request, NewRun);
  if (!body.ok) return refuse(body.error);
  const today = dayAt(world.clock());
  const { day = addDays(today, -1) } = body.value;
  if (day > today) return refuse(NOT_YET);
  await reconciliation.queue.send({ day });
  return respond(202, { object: 'reconciliation_request', day, requested_at: toSeconds(world.clock()) });
};

const NOT_YET: ApiError = {
  code: 'invalid_request',
  message: 'This day has not begun yet.',
  param: 'day',
};

const Query = z.strictObject({ ...pageFields, day: z.optional(dayField) });

/** `GET /admin/reconciliation?day=&limit=&cursor=` → the reports, newest day first, or the one of a day. */
export const listReconciliations: RouteHandler = async ({ reconciliation }, request) => {
  const query = readQuery(request, Query);
  if (!query.ok) return refuse(query.error);
  const { day, ...page } = query.value;
  if (day !== undefined) {
    const report = await reconciliation.store.read(day);
    return respond(200, listBody(report === undefined ? [] : [reportBody(report)]));
  }
  const { reports, nextCursor } = await reconciliation.store.list(pageOf(page));
  return respond(200, listBody(reports.map(reportBody), nextCursor));
};

const name = z.string().check(z.maxLength(300));
const Costs = z.strictObject({
  month: z.string().check(z.regex(MONTH, 'must be a month such as "2026-11"')),
  lines: z
    .array(
      z.strictObject({
        service: name,
        resource: name,
        day: z.exactOptional(dayField),
        micro_usd: z.int(),
        hours: z.number().check(z.gte(0)),
      }),
    )
    .check(z.maxLength(MAX_LINES)),
  total_micro_usd: z.int(),
});

/** `PUT /admin/aws-costs {month, lines, total_micro_usd}`: what AWS billed; `tunegate reconcile --aws-costs` makes it of an export. */
export const importAwsCosts: RouteHandler = async ({ reconciliation, world }, request) => {
  const body = readBody(request, Costs);
  if (!body.ok) return refuse(body.error);
  const { month, lines, total_micro_usd } = body.value;
  await reconciliation.store.saveCosts({
    month,
    lines: lines.map(({ micro_usd, ...line }) => ({ ...line, microUsd: micro_usd })),
    totalMicroUsd: total_micro_usd,
    importedAtMs: world.clock(),
  });
  return respond(200, { object: 'aws_costs', month, lines: lines.length, total: amountOf(total_micro_usd) });
};

const amountOf = (value: number): string => formatCredits(micro(Math.round(value)));
const maybe = (value: number | null): string | null => (value === null ? null : amountOf(value));

const reportBody = (report: Reconciliation) => ({
  object: 'reconciliation',
  day: report.day,
  ran_at: toSeconds(report.ranAtMs),
  unknown: report.unknownCount,
  difference_count: report.differenceCount,
  totals: report.totals.map(({ pair, compared, leftMicro, rightMicro }) => ({
    pair,
    compared,
    left: amountOf(leftMicro),
    right: amountOf(rightMicro),
  })),
  differences: report.differences.map(({ tenantId, leftMicro, rightMicro, ...difference }) => ({
    ...difference,
    tenant: tenantId,
    left: maybe(leftMicro),
    right: maybe(rightMicro),
  })),
  unread: report.unread.map(({ pair, why }) => ({ pair, why })),
});
