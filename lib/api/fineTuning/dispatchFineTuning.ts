import { authorize } from '#api/control/authorize.ts';
import { type ApiRequest, type ApiResponse, refuse } from '#api/http.ts';
import { ROUTES, type Route, type RouteId } from '#api/routes.ts';
import type { JobIntake } from '#core/training/ports.ts';
import { cancelFineTuningJob } from './cancelFineTuningJob.ts';
import { createFineTuningJob } from './createFineTuningJob.ts';
import {
  listFineTuningCheckpoints,
  listFineTuningEvents,
  listFineTuningJobs,
  retrieveFineTuningJob,
} from './jobRecords.ts';
import { listTenantJobs } from './tenantJobs.ts';

export type FineTuningDeps = JobIntake & {
  readonly topUpUrl: string;
  /** Of a text's UTF-8 bytes, hex. */
  readonly sha256: (text: string) => string;
};
export type FineTuningHandler = (deps: FineTuningDeps, request: ApiRequest) => Promise<ApiResponse>;

type FineTuningRouteId = {
  [Id in RouteId]: (typeof ROUTES)[Id]['function'] extends 'fine-tuning' ? Id : never;
}[RouteId];

/** One line for each route: a route without one does not compile. */
const HANDLERS: Readonly<Record<FineTuningRouteId, FineTuningHandler>> = {
  createFineTuningJob,
  listFineTuningJobs,
  retrieveFineTuningJob,
  cancelFineTuningJob,
  listFineTuningEvents,
  listFineTuningCheckpoints,
  listTenantJobs,
};

/** Checks that the caller may use the route, and lets its handler answer. */
export async function dispatchFineTuning(deps: FineTuningDeps, request: ApiRequest): Promise<ApiResponse> {
  const route: Route = ROUTES[request.routeId];
  const allowed = authorize(route.auth, request.principal);
  if (!allowed.ok) return refuse(allowed.error);
  if (isFineTuningRoute(request.routeId)) return HANDLERS[request.routeId](deps, request);
  return refuse({
    code: 'not_found',
    message: `This function does not serve ${route.method} ${route.path}.`,
  });
}

const isFineTuningRoute = (id: RouteId): id is FineTuningRouteId => ROUTES[id].function === 'fine-tuning';
