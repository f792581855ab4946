import * as z from 'zod/mini';
import { idParam, listBody, pageFields, pageOf } from '#api/control/fields.ts';
import { TENANT_NOT_FOUND } from '#api/control/tenantRefusals.ts';
import { callingTenant } from '#api/edge/authorize.ts';
import { readQuery } from '#api/edge/readBody.ts';
import { type ApiRequest, type ApiResponse, refuse, respond } from '#api/http.ts';
import type { AdapterDesk } from '#core/adapters/ports.ts';
import type { AdapterId, TenantId } from '#core/shared/ids.ts';
import type { AdapterRouteHandler } from './dispatchAdapters.ts';
import { ADAPTER_NOT_FOUND, adapterBody } from './fields.ts';

const ListQuery = z.strictObject(pageFields);

/** `GET /admin/tenants/{tenant}/adapters?limit=&cursor=`, newest first. */
export const listAdapters: AdapterRouteHandler = async (deps, request) => {
  const tenantId = idParam<TenantId>(request, 'tenant', 'tenant');
  if (tenantId === undefined || (await deps.directory.readTenant(tenantId)) === undefined)
    return refuse(TENANT_NOT_FOUND);
  return list(deps, request, tenantId);
};

/** `GET /adapters?limit=&cursor=`, the calling tenant's, newest first. */
export const listOwnAdapters: AdapterRouteHandler = (deps, request) =>
  list(deps, request, callingTenant(request));

async function list(deps: AdapterDesk, request: ApiRequest, tenantId: TenantId): Promise<ApiResponse> {
  const query = readQuery(request, ListQuery);
  if (!query.ok) return refuse(query.error);
  const { adapters, nextCursor } = await deps.adapters.list(tenantId, pageOf(query.value));
  return respond(200, listBody(adapters.map(adapterBody), nextCursor));
}

/** `GET /admin/tenants/{tenant}/adapters/{adapter}` */
export const retrieveAdapter: AdapterRouteHandler = (deps, request) =>
  retrieve(deps, request, idParam<TenantId>(request, 'tenant', 'tenant'));

/** `GET /adapters/{adapter}` */
export const retrieveOwnAdapter: AdapterRouteHandler = (deps, request) =>
  retrieve(deps, request, callingTenant(request));

async function retrieve(
  deps: AdapterDesk,
  request: ApiRequest,
  tenantId: TenantId | undefined,
): Promise<ApiResponse> {
  const id = idParam<AdapterId>(request, 'adapter', 'adapter');
  const adapter =
    tenantId === undefined || id === undefined ? undefined : await deps.adapters.read(tenantId, id);
  return adapter === undefined ? refuse(ADAPTER_NOT_FOUND) : respond(200, adapterBody(adapter));
}
