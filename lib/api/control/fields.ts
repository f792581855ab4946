import * as z from 'zod/mini';
import { actingAgent } from '#api/edge/authorize.ts';
import type { ApiError } from '#api/errors.ts';
import type { ApiRequest } from '#api/http.ts';
import { isTimeZone } from '#core/pricing/localTime.ts';
import { type IdKind, parseId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { Act } from '#core/tenants/tenancy.ts';

// Fields that several routes take, each once.

const NO_CONTROL_CHARACTERS = /^\P{Cc}*$/u;
const line = (maxLength: number) =>
  z
    .string()
    .check(
      z.trim(),
      z.minLength(1),
      z.maxLength(maxLength),
      z.regex(NO_CONTROL_CHARACTERS, 'must be one line, without control characters'),
    );

export const nameField = line(200);
export const reasonField = line(500);
export const dateField = z.int().check(z.gte(0), z.lte(32_503_680_000)); // the year 3000, in Unix seconds

export const emailField = z.string().check(z.maxLength(254), z.regex(/^[^\s@]+@[^\s@]+\.[^\s@]+$/));

export const timeZoneField = z.string().check(
  z.maxLength(64),
  z.refine((text) => isTimeZone(text), { error: 'must be a time zone such as "Europe/Berlin"' }),
);

const MAX_URL_LENGTH = 2_000;
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** An address of another's: https, or http on this machine. */
export const returnUrlField = z.string().check(
  z.maxLength(MAX_URL_LENGTH),
  z.refine((text) => isForeignUrl(text), {
    error: 'must be an https address (http only on this machine), without a user name or password',
  }),
);

function isForeignUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname));
}

const DEFAULT_PAGE = 20;
const MAX_PAGE = 100;
const pageSize = z.string().check(
  z.refine((text) => /^\d{1,3}$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_PAGE, {
    error: `must be a whole number from 1 to ${MAX_PAGE}`,
  }),
);

/** `?limit=&cursor=` of every list that comes in pages. */
export const pageFields = {
  limit: z.optional(pageSize),
  cursor: z.optional(z.string().check(z.minLength(1), z.maxLength(200))),
};

/** The page that a query asks for. */
export const pageOf = (query: {
  readonly limit?: string | undefined;
  readonly cursor?: string | undefined;
}) => ({
  limit: Number(query.limit ?? DEFAULT_PAGE),
  ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
});

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/** The header `Idempotency-Key`; undefined when there is none. Errors: invalid_request. */
export function readIdempotencyKey(request: ApiRequest): Result<string | undefined, ApiError> {
  const key = request.headers['idempotency-key'];
  if (key === undefined || IDEMPOTENCY_KEY.test(key)) return ok(key);
  return err({
    code: 'invalid_request',
    message: 'The header idempotency-key must be 1 to 255 printable ASCII characters without spaces.',
  });
}

/** A list as every route answers it; `next_cursor` null is the last page. */
export const listBody = (data: readonly unknown[], nextCursor: string | null = null) => ({
  object: 'list',
  data,
  has_more: nextCursor !== null,
  next_cursor: nextCursor,
});

/** The id in the path; undefined when it cannot be one: then there is no such thing, and the answer is 404. */
export const idParam = <T extends string>(request: ApiRequest, name: string, kind: IdKind): T | undefined =>
  parseId<T>(kind, request.params[name] ?? '');

const NO_REASON = 'no reason given';

/** Who acts and why, for the audit log. */
export const actOf = (request: ApiRequest, reason: string | undefined): Act => ({
  actor: actingAgent(request),
  reason: reason ?? NO_REASON,
});

export const toSeconds = (ms: number): number => Math.floor(ms / 1000);
