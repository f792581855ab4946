import { authorize } from '#api/control/authorize.ts';
import { type ApiRequest, type ApiResponse, refuse } from '#api/http.ts';
import { ROUTES, type Route, type RouteId } from '#api/routes.ts';
import type { AdapterDesk } from '#core/adapters/ports.ts';
import { deployAdapter, retireAdapter, undeployAdapter } from './directRoutes.ts';
import { exportAdapter, exportOwnAdapter } from './exportRoutes.ts';
import { listAdapters, listOwnAdapters, retrieveAdapter, retrieveOwnAdapter } from './readRoutes.ts';
import { createAdapterUpload, registerAdapter } from './registerRoutes.ts';

export type AdapterRouteHandler = (deps: AdapterDesk, request: ApiRequest) => Promise<ApiResponse>;

type AdapterRouteId = {
  [Id in RouteId]: (typeof ROUTES)[Id]['function'] extends 'adapters' ? Id : never;
}[RouteId];

/** One line for each route: a route without one does not compile. */
const HANDLERS: Readonly<Record<AdapterRouteId, AdapterRouteHandler>> = {
  listOwnAdapters,
  retrieveOwnAdapter,
  exportOwnAdapter,
  createAdapterUpload,
  registerAdapter,
  listAdapters,
  retrieveAdapter,
  deployAdapter,
  undeployAdapter,
  retireAdapter,
  exportAdapter,
};

/** Checks that the caller may use the route, and lets its handler answer. */
export async function dispatchAdapters(deps: AdapterDesk, request: ApiRequest): Promise<ApiResponse> {
  const route: Route = ROUTES[request.routeId];
  const allowed = authorize(route.auth, request.principal);
  if (!allowed.ok) return refuse(allowed.error);
  if (isAdapterRoute(request.routeId)) return HANDLERS[request.routeId](deps, request);
  const message = `This function does not serve ${route.method} ${route.path}.`;
  return refuse({ code: 'not_found', message });
}

const isAdapterRoute = (id: RouteId): id is AdapterRouteId => ROUTES[id].function === 'adapters';
