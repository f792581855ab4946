import * as z from 'zod/mini';
import { readBody, readQuery } from '#api/edge/readBody.ts';
import type { ApiError } from '#api/errors.ts';
import { refuse, respond } from '#api/http.ts';
import type { Account } from '#core/ledger/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { formatCredits, type MicroCredits, parseCredits, ZERO } from '#core/shared/money.ts';
import { changeTenant } from '#core/tenants/changeTenant.ts';
import { openTenant } from '#core/tenants/openTenant.ts';
import type { TenantChange } from '#core/tenants/ports.ts';
import type { Tenant } from '#core/tenants/types.ts';
import type { ControlDeps } from './deps.ts';
import type { RouteHandler } from './dispatch.ts';
import {
  actOf,
  dateField,
  idParam,
  listBody,
  nameField,
  pageFields,
  pageOf,
  reasonField,
  timeZoneField,
  toSeconds,
} from './fields.ts';
import { TENANT_NOT_FOUND, tenantRefusal } from './tenantRefusals.ts';
import { statusChange } from './tenantStatus.ts';
import { refuseEndpoint, shortName } from './versions.ts';
import { changedWatch, watchBody, watchField } from './watchSettings.ts';

const NewTenant = z.strictObject({
  name: nameField,
  price_book: z.optional(z.string()),
  reason: z.optional(reasonField),
});

/** `POST /admin/tenants {name, price_book?, reason?}` → 201 with the tenant. */
export const createTenant: RouteHandler = async (deps, request) => {
  const body = readBody(request, NewTenant);
  if (!body.ok) return refuse(body.error);
  const { name, price_book: priceBookId = deps.priceBooks.seeds[0]?.id ?? '', reason } = body.value;
  const wrong = await wrongPriceBook(deps, priceBookId);
  if (wrong !== undefined) return refuse(wrong);
  return respond(201, tenantBody(await openTenant(deps, { name, priceBookId }, actOf(request, reason))));
};

const TenantsQuery = z.strictObject(pageFields);

/** `GET /admin/tenants?limit=&cursor=`, oldest first. */
export const listTenants: RouteHandler = async ({ directory }, request) => {
  const query = readQuery(request, TenantsQuery);
  if (!query.ok) return refuse(query.error);
  const { tenants, nextCursor } = await directory.listTenants(pageOf(query.value));
  return respond(200, listBody(tenants.map(tenantBody), nextCursor));
};

/** `GET /admin/tenants/{tenant}` → the tenant with its account. */
export const retrieveTenant: RouteHandler = async ({ directory, ledger }, request) => {
  const id = idParam<TenantId>(request, 'tenant', 'tenant');
  const [tenant, account] =
    id === undefined ? [] : await Promise.all([directory.readTenant(id), ledger.readAccount(id)]);
  if (tenant === undefined) return refuse(TENANT_NOT_FOUND);
  return respond(200, {
    ...tenantBody(tenant),
    account: account === undefined ? null : accountBody(account),
  });
};

const MAX_FREE_MICRO = 1_000_000_000_000;
const freeCreditsField = z.string().check(
  z.refine((text) => isFreeAmount(parseCredits(text)), {
    error: 'must be a decimal string of credits from 0 to 1000000, such as "5"',
  }),
);

const isFreeAmount = (amount: MicroCredits | undefined): boolean =>
  amount !== undefined && amount >= 0 && amount <= MAX_FREE_MICRO;

const ChangedTenant = z.strictObject({
  name: z.optional(nameField),
  status: z.optional(z.enum(['active', 'suspended', 'closed'])),
  price_book: z.optional(z.string()),
  time_zone: z.optional(timeZoneField),
  free_credits: z.optional(freeCreditsField),
  endpoint: z.optional(z.nullable(shortName)),
  unusual_use: z.optional(watchField),
  resume_until: z.optional(dateField),
  reason: z.optional(reasonField),
});

/**
 * `PATCH /admin/tenants/{tenant} {name?, status?, price_book?, time_zone?, free_credits?, endpoint?, unusual_use?,
 * resume_until?, reason?}` → the tenant as it is now. Who is resumed unpaid may call until `resume_until`, else until the next
 * payment that fails; closing ends the subscription first.
 */
export const updateTenant: RouteHandler = async (deps, request) => {
  const body = readBody(request, ChangedTenant);
  if (!body.ok) return refuse(body.error);
  const {
    name,
    status,
    price_book: priceBookId,
    time_zone: timeZone,
    free_credits,
    endpoint,
    unusual_use,
    resume_until,
    reason,
  } = body.value;
  const wrong = priceBookId === undefined ? undefined : await wrongPriceBook(deps, priceBookId);
  if (wrong !== undefined) return refuse(wrong);
  const tenantId = idParam<TenantId>(request, 'tenant', 'tenant');
  const known = tenantId === undefined ? undefined : await deps.directory.readTenant(tenantId);
  const change: TenantChange = {
    ...(unusual_use !== undefined && { watch: changedWatch(known?.watch, unusual_use) }),
    ...(name !== undefined && { name }),
    ...(priceBookId !== undefined && { priceBookId }),
    ...(timeZone !== undefined && { timeZone }),
    ...(endpoint !== undefined && { endpoint }),
    ...(free_credits !== undefined && { freeMonthlyMicro: parseCredits(free_credits) ?? ZERO }),
  };
  if (Object.keys(change).length === 0 && status === undefined && resume_until === undefined) {
    return refuse(NOTHING_TO_CHANGE);
  }
  if (tenantId === undefined || known === undefined) return refuse(TENANT_NOT_FOUND);
  const own = typeof endpoint === 'string' ? { kind: 'sagemaker' as const, endpoint } : null;
  const refused = await refuseEndpoint(deps, tenantId, { engine: own });
  if (refused !== undefined) return refuse({ ...refused, param: 'endpoint' });
  const resumeUntilMs = resume_until === undefined ? undefined : resume_until * 1_000;
  const standing = await statusChange(deps, { tenantId, status, resumeUntilMs });
  if (!standing.ok) return refuse(standing.error);
  const changed = await changeTenant(deps, {
    tenantId,
    change: { ...change, ...standing.value },
    act: actOf(request, reason),
  });
  return changed.ok ? respond(200, tenantBody(changed.value)) : refuse(tenantRefusal(changed.error));
};

const NOTHING_TO_CHANGE: ApiError = {
  code: 'invalid_request',
  message:
    'Nothing to change. Give at least one of name, status, price_book, time_zone, free_credits, endpoint and unusual_use.',
};

/** A tenant may have any published book, also one that is not in force yet: until then its calls are refused. */
async function wrongPriceBook({ priceBooks }: ControlDeps, id: string): Promise<ApiError | undefined> {
  const ids = [...new Set((await priceBooks.source.newest()).map((book) => book.id))];
  if (ids.includes(id)) return undefined;
  return {
    code: 'invalid_request',
    message: `There is no such price book. There are: ${ids.slice(0, MAX_NAMED).join(', ')}${ids.length > MAX_NAMED ? ', …' : ''}.`,
    param: 'price_book',
  };
}
const MAX_NAMED = 20;

const tenantBody = (tenant: Tenant) => ({
  id: tenant.id,
  object: 'tenant',
  name: tenant.name,
  status: tenant.status,
  suspended_because: tenant.suspension?.because ?? null,
  reprieve: reprieveBody(tenant),
  price_book: tenant.priceBookId,
  time_zone: tenant.timeZone ?? 'UTC',
  free_credits: formatCredits(tenant.freeMonthlyMicro ?? ZERO),
  dodo_customer_id: tenant.dodoCustomerId ?? null,
  endpoint: tenant.endpoint ?? null,
  unusual_use: watchBody(tenant.watch),
  created_at: toSeconds(tenant.createdAtMs),
});

/** `until: null`: until the next payment that fails. */
const reprieveBody = ({ reprieve }: Tenant) =>
  reprieve === undefined ? null : { until: reprieve.untilMs === null ? null : toSeconds(reprieve.untilMs) };

/** What an account holds, in decimal strings of credits. */
export const accountBody = (account: Account) => ({
  status: account.status,
  available: formatCredits(account.availableMicro),
  held: formatCredits(account.heldMicro),
  debt: formatCredits(account.debtMicro),
  open_holds: Object.keys(account.holds).length,
  open_grants: Object.keys(account.grants).length,
});
