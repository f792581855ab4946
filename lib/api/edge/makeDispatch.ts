import { type ApiRequest, type ApiResponse, refuse } from '#api/http.ts';
import { ROUTES, type Route, type RouteId } from '#api/routes.ts';
import { authorize } from './authorize.ts';

/** What answers one route, with what the function of the route works with. */
export type RouteHandler<Deps> = (deps: Deps, request: ApiRequest) => Promise<ApiResponse>;

type RouteIdOf<Name extends Route['function']> = {
  [Id in RouteId]: (typeof ROUTES)[Id]['function'] extends Name ? Id : never;
}[RouteId];

/** One handler for each route that a function serves: a route without one does not compile. */
export type RouteHandlers<Name extends Route['function'], Deps> = Readonly<
  Record<RouteIdOf<Name>, RouteHandler<Deps>>
>;

/** What a function does with a request: checks that the caller may use the route, and lets its handler answer. */
export function makeDispatch<Deps>(handlers: Partial<Readonly<Record<RouteId, RouteHandler<Deps>>>>) {
  return async (deps: Deps, request: ApiRequest): Promise<ApiResponse> => {
    const route: Route = ROUTES[request.routeId];
    const allowed = authorize(route.auth, request.principal);
    if (!allowed.ok) return refuse(allowed.error);
    const handler = handlers[request.routeId];
    if (handler !== undefined) return handler(deps, request);
    const message = `This function does not serve ${route.method} ${route.path}.`;
    return refuse({ code: 'not_found', message });
  };
}
