import * as z from 'zod/mini';
import { readQuery } from '#api/edge/readBody.ts';
import type { ApiError } from '#api/errors.ts';
import type { ApiRequest } from '#api/http.ts';
import { addDays, countDays, dayAt, parseDay } from '#core/metering/periods.ts';
import { USAGE_DIMENSIONS, type UsageDimension } from '#core/metering/usageReport.ts';
import { err, ok, type Result } from '#core/shared/result.ts';

/** What a caller asks of the usage report. Both days are included. */
export type UsageQuery = {
  readonly start: string;
  readonly end: string;
  readonly groupBy: readonly UsageDimension[];
  readonly limit: number;
  /** The place where the last page ended. */
  readonly after?: string;
};

const DEFAULT_DAYS = 30;
const MAX_DAYS = 366;
const DEFAULT_LINES = 100;
const MAX_LINES = 1_000;
const MAX_CURSOR_CHARS = 1_000;

const DAY = `must be a day such as "2026-01-31", or Unix seconds`;
const day = z.string().check(z.refine((text) => readDay(text) !== undefined, { error: DAY }));

const Query = z.strictObject({
  start: z.optional(day),
  end: z.optional(day),
  group_by: z.optional(
    z.string().check(
      z.refine((text) => text.split(',').every(isDimension), {
        error: `must name some of ${USAGE_DIMENSIONS.join(', ')}, with commas between them`,
      }),
    ),
  ),
  limit: z.optional(
    z.string().check(
      z.refine((text) => /^\d{1,4}$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_LINES, {
        error: `must be a whole number from 1 to ${MAX_LINES}`,
      }),
    ),
  ),
  cursor: z.optional(z.string().check(z.minLength(1), z.maxLength(MAX_CURSOR_CHARS))),
});

/**
 * Reads `?start=&end=&group_by=&limit=&cursor=`; without days the last thirty, without `group_by` all three.
 * Errors: invalid_request, with `param`.
 */
export function readUsageQuery(request: ApiRequest, nowMs: number): Result<UsageQuery, ApiError> {
  const query = readQuery(request, Query);
  if (!query.ok) return query;
  const end = readDay(query.value.end) ?? dayAt(nowMs);
  const start = readDay(query.value.start) ?? addDays(end, 1 - DEFAULT_DAYS);
  const days = countDays({ from: start, to: end });
  if (days < 1) return invalid('start', `'start' (${start}) must not be after 'end' (${end}).`);
  if (days > MAX_DAYS)
    return invalid('start', `The days asked for are ${days}; ask for at most ${MAX_DAYS} at once.`);

  const named = query.value.group_by?.split(',').filter(isDimension) ?? USAGE_DIMENSIONS;
  const groupBy = USAGE_DIMENSIONS.filter((dimension) => named.includes(dimension));
  const asked = { start, end, groupBy, limit: Number(query.value.limit ?? DEFAULT_LINES) };
  if (query.value.cursor === undefined) return ok(asked);
  const after = readCursor(query.value.cursor, groupBy);
  if (after === undefined)
    return invalid(
      'cursor',
      "'cursor' must be the next_cursor of the page before, with the same 'group_by'.",
    );
  return ok({ ...asked, after });
}

/** The cursor of a page: its last line's place, and what the lines are grouped by, since places depend on it. */
export const usageCursor = (groupBy: readonly UsageDimension[], place: string): string =>
  Buffer.from(`${groupBy.join()}\n${place}`).toString('base64url');

function readCursor(cursor: string, groupBy: readonly UsageDimension[]): string | undefined {
  const text = Buffer.from(cursor, 'base64url').toString();
  const prefix = `${groupBy.join()}\n`;
  return text.startsWith(prefix) ? text.slice(prefix.length) : undefined;
}

const isDimension = (text: string): text is UsageDimension =>
  USAGE_DIMENSIONS.some((dimension) => dimension === text);

function readDay(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  return /^\d{1,11}$/.test(text) ? dayAt(Number(text) * 1000) : parseDay(text);
}

const invalid = (param: string, message: string) => err({ code: 'invalid_request' as const, message, param });
