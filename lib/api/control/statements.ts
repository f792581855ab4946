import * as z from 'zod/mini';
import { callingTenant } from '#api/edge/authorize.ts';
import { readQuery } from '#api/edge/readBody.ts';
import type { ApiError } from '#api/errors.ts';
import { type ApiRequest, type ApiResponse, refuse, respond } from '#api/http.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { addMicro, formatCredits, type MicroCredits } from '#core/shared/money.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { monthOf, type Period, parseMonth } from '#core/statements/periods.ts';
import { readStatement as foldStatement } from '#core/statements/readStatement.ts';
import { lateFrom, statementCsv } from '#core/statements/statementCsv.ts';
import type { Statement, StatementLine } from '#core/statements/types.ts';
import type { AccountDeps } from './deps.ts';
import type { RouteHandler } from './dispatch.ts';
import type { AccountHandler } from './dispatchAccount.ts';
import { idParam } from './fields.ts';
import { TENANT_NOT_FOUND } from './tenantRefusals.ts';

const MONTH = 'must be a month such as "2026-01"';
/** Which month, of UTC; without one the running month. */
export const monthField = z.optional(
  z.string().check(z.refine((text) => parseMonth(text) !== undefined, { error: MONTH })),
);

const FORMATS = ['json', 'csv', 'pdf'] as const;
const Query = z.strictObject({ month: monthField, format: z.optional(z.enum(FORMATS)) });

/** `GET /credits/statement?month=&format=` → what the tenant's credits did in a month, as JSON, CSV or PDF. */
export const readStatement: AccountHandler = async (deps, request) =>
  answer(deps, request, callingTenant(request));

/** `GET /admin/tenants/{tenant}/credits/statement?month=&format=` → the same, for the agency. */
export const readTenantStatement: RouteHandler = async (deps, request) =>
  answer(deps, request, await findTenant(deps, request));

/** The tenant in the path; undefined when there is none. */
export async function findTenant(
  { directory }: AccountDeps,
  request: ApiRequest,
): Promise<TenantId | undefined> {
  const tenantId = idParam<TenantId>(request, 'tenant', 'tenant');
  return tenantId === undefined ? undefined : (await directory.readTenant(tenantId))?.id;
}

async function answer(
  { statements, world }: AccountDeps,
  request: ApiRequest,
  tenantId: TenantId | undefined,
): Promise<ApiResponse> {
  const query = readQuery(request, Query);
  if (!query.ok) return refuse(query.error);
  const month = readMonth(query.value.month, world.clock());
  if (!month.ok) return refuse(month.error);
  if (tenantId === undefined) return refuse(TENANT_NOT_FOUND);
  const statement = await foldStatement(statements, tenantId, month.value);
  switch (query.value.format ?? acceptedFormat(request)) {
    case 'json':
      return respond(200, statementBody(statement, request));
    case 'csv':
      return textOf('text/csv; charset=utf-8', statementCsv(statement), `${statement.month}.csv`);
    case 'pdf':
      return textOf('application/pdf', statements.pdf(statement), `${statement.month}.pdf`);
  }
}

function acceptedFormat({ headers }: ApiRequest): (typeof FORMATS)[number] {
  const accept = headers['accept'] ?? '';
  if (accept.includes('text/csv')) return 'csv';
  return accept.includes('application/pdf') ? 'pdf' : 'json';
}

const textOf = (type: string, content: string, name: string): ApiResponse => ({
  status: 200,
  text: { type, content },
  headers: {
    'content-type': type,
    'content-disposition': `attachment; filename="statement-${name}"`,
  },
});

/** The month that a query asks for, without one the running one. Errors: invalid_request for one that has not begun. */
export function readMonth(text: string | undefined, nowMs: number): Result<Period, ApiError> {
  const month = parseMonth(text ?? monthOf(nowMs));
  if (month !== undefined && month.fromMs <= nowMs) return ok(month);
  const message = `'month' has not begun: ask for one up to ${monthOf(nowMs)}.`;
  return err({ code: 'invalid_request', message, param: 'month' });
}

/** Amounts are signed decimal strings of credits; opening and all lines make closing, exactly. */
function statementBody(statement: Statement, request: ApiRequest) {
  const { tenantId, month, status, openingMicro, closingMicro, lines, seals } = statement;
  return {
    object: 'statement',
    tenant: tenantId,
    month,
    status,
    opening: formatCredits(openingMicro),
    closing: formatCredits(closingMicro),
    totals: totalsOf(lines),
    lines: lines.map((line) => lineBody(line, month, request)),
    sealed_until: seals.at(-1)?.seal.to ?? null,
    receipts: seals.reduce((count, { seal }) => count + seal.receipts, 0),
  };
}

function totalsOf(lines: readonly StatementLine[]): Readonly<Record<string, string>> {
  const totals = new Map<string, MicroCredits>();
  for (const { kind, amountMicro } of lines) {
    const sum = totals.get(kind);
    totals.set(kind, sum === undefined ? amountMicro : addMicro(sum, amountMicro));
  }
  return Object.fromEntries([...totals].map(([kind, sum]) => [kind, formatCredits(sum)]));
}

/** `entries_url` lists the very entries that a line sums, without the host and the stage. */
function lineBody(line: StatementLine, month: string, { routeId, params }: ApiRequest) {
  const { day, kind, sourceKind, model } = line;
  const path =
    routeId === 'readStatement' ? '/credits/entries' : `/admin/tenants/${params['tenant']}/credits/entries`;
  const filter = new URLSearchParams({ day, kind, source: sourceKind, ...(model === null ? {} : { model }) });
  return {
    day,
    kind,
    source: sourceKind,
    model,
    entries: line.entries,
    amount: formatCredits(line.amountMicro),
    input_tokens: line.inputTokens,
    output_tokens: line.outputTokens,
    late_from: lateFrom(line, month) ?? null,
    entries_url: `${path}?${filter}`,
  };
}
