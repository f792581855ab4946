import * as z from 'zod/mini';
import { callingTenant } from '#api/edge/authorize.ts';
import { readQuery } from '#api/edge/readBody.ts';
import type { ApiError } from '#api/errors.ts';
import { refuse, respond } from '#api/http.ts';
import type { MonthlyCharge } from '#core/ledger/months.ts';
import { ENTRY_KINDS, ENTRY_SOURCES, type Entry } from '#core/ledger/types.ts';
import { parseDay } from '#core/metering/periods.ts';
import type { UsageEvent } from '#core/metering/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { formatCredits } from '#core/shared/money.ts';
import type { RouteHandler } from './dispatch.ts';
import type { AccountHandler } from './dispatchAccount.ts';
import { idParam, listBody, pageFields, pageOf, toSeconds } from './fields.ts';
import { TENANT_NOT_FOUND } from './tenantRefusals.ts';

const MAX_MODEL_CHARS = 200;

const EntriesQuery = z.strictObject({
  ...pageFields,
  day: z.optional(
    z
      .string()
      .check(
        z.refine((text) => parseDay(text) !== undefined, { error: 'must be a day such as "2026-01-31"' }),
      ),
  ),
  kind: z.optional(z.enum(ENTRY_KINDS)),
  source: z.optional(z.enum(ENTRY_SOURCES)),
  model: z.optional(z.string().check(z.minLength(1), z.maxLength(MAX_MODEL_CHARS))),
});

const BAD_CURSOR: ApiError = {
  code: 'invalid_request',
  message: "'cursor' must be the next_cursor of the page before, with the same filters.",
  param: 'cursor',
};

/** The page that a query asks for, of the entries that a statement's line sums when it names them. */
const entriesOf = ({ day, kind, source, model, ...page }: z.output<typeof EntriesQuery>) => ({
  ...pageOf(page),
  ...(day === undefined ? {} : { day }),
  ...(kind === undefined ? {} : { kind }),
  ...(source === undefined ? {} : { source }),
  ...(model === undefined ? {} : { model }),
});

/** `GET /credits/entries?limit=&cursor=&day=&kind=&source=&model=` → the tenant's own account book, newest first. */
export const listCreditEntries: AccountHandler = async ({ ledger }, request) => {
  const query = readQuery(request, EntriesQuery);
  if (!query.ok) return refuse(query.error);
  const page = await ledger.listEntries(callingTenant(request), entriesOf(query.value));
  if (!page.ok) return refuse(BAD_CURSOR);
  return respond(200, listBody(page.value.entries.map(entryBody), page.value.nextCursor));
};

/** `GET /admin/tenants/{tenant}/credits/entries?limit=&cursor=` → the same, who of the agency acted, and experiments. */
export const listTenantEntries: RouteHandler = async ({ directory, ledger }, request) => {
  const query = readQuery(request, EntriesQuery);
  if (!query.ok) return refuse(query.error);
  const tenantId = idParam<TenantId>(request, 'tenant', 'tenant');
  const tenant = tenantId === undefined ? undefined : await directory.readTenant(tenantId);
  if (tenant === undefined) return refuse(TENANT_NOT_FOUND);
  const page = await ledger.listEntries(tenant.id, entriesOf(query.value));
  if (!page.ok) return refuse(BAD_CURSOR);
  const data = page.value.entries.map((entry) => ({
    ...entryBody(entry),
    actor: entry.actor ?? null,
    ...(entry.usage === undefined ? {} : { experiment: experimentBody(entry.usage.priceBook.armOf) }),
  }));
  return respond(200, listBody(data, page.value.nextCursor));
};

/** One line of the account book, its amount as a signed decimal string of credits. */
const entryBody = (entry: Entry) => ({
  id: entry.id,
  object: 'credit_entry',
  kind: entry.kind,
  amount: formatCredits(entry.amountMicro),
  created_at: toSeconds(entry.atMs),
  source: { kind: entry.source.kind, id: entry.source.id },
  reason: entry.reason ?? null,
  ...(entry.shortfallMicro === undefined ? {} : { shortfall: formatCredits(entry.shortfallMicro) }),
  ...(entry.usage === undefined
    ? {}
    : {
        usage: {
          request_id: entry.usage.requestId,
          key: entry.usage.keyId,
          operation: entry.usage.operation,
          model: entry.usage.model,
          input_tokens: entry.usage.inputTokens,
          output_tokens: entry.usage.outputTokens,
          compute_ms: entry.usage.computeMs,
          time_to_first_token_ms: entry.usage.timeToFirstTokenMs,
          status: entry.usage.status,
          price_book: { id: entry.usage.priceBook.id, version: entry.usage.priceBook.version },
        },
      }),
  ...(entry.monthly === undefined ? {} : { monthly: monthlyBody(entry.monthly) }),
});

/** Where in its month a charge was placed, and what each measure added to the month's bill. */
const monthlyBody = ({ counter, shares }: MonthlyCharge) => ({
  counter,
  shares: shares.map(({ measure, before, used, amountMicro }) => ({
    measure,
    before,
    used,
    amount: formatCredits(amountMicro),
  })),
});

/** The experiment that sent the tenant to the book of a call; null where none did. Clients are not told. */
const experimentBody = (armOf: UsageEvent['priceBook']['armOf']) =>
  armOf === undefined ? null : { id: armOf.experiment, book: armOf.book, version: armOf.version };
