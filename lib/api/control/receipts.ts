import * as z from 'zod/mini';
import { callingTenant } from '#api/edge/authorize.ts';
import { readQuery } from '#api/edge/readBody.ts';
import { type ApiRequest, type ApiResponse, refuse, respond } from '#api/http.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { type FileCursor, readFilePage } from '#core/statements/fileLines.ts';
import type { AccountDeps } from './deps.ts';
import type { RouteHandler } from './dispatch.ts';
import type { AccountHandler } from './dispatchAccount.ts';
import { listBody } from './fields.ts';
import { findTenant, monthField, readMonth } from './statements.ts';
import { TENANT_NOT_FOUND } from './tenantRefusals.ts';

const RECEIPTS_A_PAGE = 1_000;
const MAX_CURSOR_CHARS = 2_000;

const Query = z.strictObject({
  month: monthField,
  cursor: z.optional(z.string().check(z.minLength(1), z.maxLength(MAX_CURSOR_CHARS))),
});

const Cursor = z.strictObject({
  seal: z.int().check(z.gte(1)),
  lastSeal: z.int().check(z.gte(1)),
  sequence: z.int().check(z.gte(1)),
  hash: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  place: z.string().check(z.regex(/^ENTRY#[^\n]{1,1000}$/)),
});

/** `GET /credits/receipts?month=&cursor=` → the lines of a month's statement file, which verifies offline. */
export const listReceipts: AccountHandler = async (deps, request) =>
  answer(deps, request, callingTenant(request));

/** `GET /admin/tenants/{tenant}/credits/receipts?month=&cursor=` → the same, for the agency. */
export const listTenantReceipts: RouteHandler = async (deps, request) =>
  answer(deps, request, await findTenant(deps, request));

/** `GET /statement-keys` → the public keys that sign statements, for everybody to hold a statement against. */
export const listStatementKeys: AccountHandler = async ({ statements }) => {
  const keys = await statements.keys.list();
  return respond(
    200,
    listBody(
      keys.map(({ id, publicKey }) => ({
        id,
        object: 'statement_key',
        algorithm: 'Ed25519',
        public_key: publicKey,
      })),
    ),
  );
};

async function answer(
  { statements, world }: AccountDeps,
  request: ApiRequest,
  tenantId: TenantId | undefined,
): Promise<ApiResponse> {
  const query = readQuery(request, Query);
  if (!query.ok) return refuse(query.error);
  const month = readMonth(query.value.month, world.clock());
  if (!month.ok) return refuse(month.error);
  const after = query.value.cursor === undefined ? undefined : readCursor(query.value.cursor);
  if (query.value.cursor !== undefined && after === undefined) {
    const message = "'cursor' must be the next_cursor of the page before, with the same 'month'.";
    return refuse({ code: 'invalid_request', message, param: 'cursor' });
  }
  if (tenantId === undefined) return refuse(TENANT_NOT_FOUND);
  const page = { limit: RECEIPTS_A_PAGE, ...(after === undefined ? {} : { after }) };
  const { lines, next } = await readFilePage(statements, tenantId, month.value, page);
  const nextCursor = next === null ? null : Buffer.from(JSON.stringify(next)).toString('base64url');
  return respond(200, listBody(lines, nextCursor));
}

function readCursor(text: string): FileCursor | undefined {
  try {
    const json: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    const parsed = z.safeParse(Cursor, json);
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
