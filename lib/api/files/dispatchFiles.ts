import { authorize } from '#api/control/authorize.ts';
import { type ApiRequest, type ApiResponse, refuse } from '#api/http.ts';
import { ROUTES, type Route, type RouteId } from '#api/routes.ts';
import type { FileIntake } from '#core/files/ports.ts';
import { createFile } from './createFile.ts';
import { deleteFile, listFiles, retrieveFile } from './fileRecords.ts';
import { readFileContent, readFileReport } from './readFile.ts';
import { completeFileUpload, createFileUpload } from './uploads.ts';

export type FileRouteHandler = (deps: FileIntake, request: ApiRequest) => Promise<ApiResponse>;

type FileRouteId = {
  [Id in RouteId]: (typeof ROUTES)[Id]['function'] extends 'files' ? Id : never;
}[RouteId];

/** One line for each route: a route without one does not compile. */
const HANDLERS: Readonly<Record<FileRouteId, FileRouteHandler>> = {
  createFile,
  listFiles,
  createFileUpload,
  retrieveFile,
  deleteFile,
  readFileContent,
  readFileReport,
  completeFileUpload,
};

/** Checks that the caller may use the route, and lets its handler answer. */
export async function dispatchFiles(deps: FileIntake, request: ApiRequest): Promise<ApiResponse> {
  const route: Route = ROUTES[request.routeId];
  const allowed = authorize(route.auth, request.principal);
  if (!allowed.ok) return refuse(allowed.error);
  if (isFileRoute(request.routeId)) return HANDLERS[request.routeId](deps, request);
  return refuse({
    code: 'not_found',
    message: `This function does not serve ${route.method} ${route.path}.`,
  });
}

const isFileRoute = (id: RouteId): id is FileRouteId => ROUTES[id].function === 'files';
