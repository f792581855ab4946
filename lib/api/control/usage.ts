import { callingTenant } from '#api/edge/authorize.ts';
import type { ApiRequest, ApiResponse } from '#api/http.ts';
import { refuse, respond } from '#api/http.ts';
import { pageOf, reportUsage, type UsageSum } from '#core/metering/usageReport.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { formatCredits } from '#core/shared/money.ts';
import type { AccountDeps } from './deps.ts';
import type { RouteHandler } from './dispatch.ts';
import type { AccountHandler } from './dispatchAccount.ts';
import { idParam, listBody } from './fields.ts';
import { TENANT_NOT_FOUND } from './tenantRefusals.ts';
import { readUsageQuery, type UsageQuery, usageCursor } from './usageQuery.ts';

/** `GET /usage?start=&end=&group_by=&limit=&cursor=` → what the tenant used and what it cost, settled so far. */
export const readUsage: AccountHandler = async (deps, request) => {
  const query = readUsageQuery(request, deps.world.clock());
  return query.ok ? answer(deps, callingTenant(request), query.value) : refuse(query.error);
};

/** `GET /admin/tenants/{tenant}/usage?…` → the same, for the agency. */
export const readTenantUsage: RouteHandler = async (deps, request) => {
  const query = readUsageQuery(request, deps.world.clock());
  if (!query.ok) return refuse(query.error);
  const tenant = await findTenant(deps, request);
  return tenant === undefined ? refuse(TENANT_NOT_FOUND) : answer(deps, tenant.id, query.value);
};

async function findTenant({ directory }: AccountDeps, request: ApiRequest) {
  const tenantId = idParam<TenantId>(request, 'tenant', 'tenant');
  return tenantId === undefined ? undefined : directory.readTenant(tenantId);
}

async function answer(deps: AccountDeps, tenantId: TenantId, query: UsageQuery): Promise<ApiResponse> {
  const { start, end, groupBy } = query;
  const { groups, total } = reportUsage(await deps.ledger.listRollups(tenantId, start, end), groupBy);
  const page = pageOf(groups, query);
  const nextCursor = page.next === null ? null : usageCursor(groupBy, page.next);
  const data = page.groups.map(({ by, sum }) => ({ object: 'usage', ...by, ...sumBody(sum) }));
  return respond(200, {
    ...listBody(data, nextCursor),
    start,
    end,
    group_by: groupBy,
    total: sumBody(total),
  });
}

/** `cost` is what was charged, as a decimal string of credits. */
const sumBody = (sum: UsageSum) => ({
  calls: sum.calls,
  failed_calls: sum.failedCalls,
  input_tokens: sum.inputTokens,
  output_tokens: sum.outputTokens,
  compute_ms: sum.computeMs,
  cost: formatCredits(sum.costMicro),
});
