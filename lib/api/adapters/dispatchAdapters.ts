import { makeDispatch, type RouteHandler, type RouteHandlers } from '#api/edge/makeDispatch.ts';
import type { AdapterDesk } from '#core/adapters/ports.ts';
import { deployAdapter, retireAdapter, undeployAdapter } from './directRoutes.ts';
import { exportAdapter, exportOwnAdapter } from './exportRoutes.ts';
import { listAdapters, listOwnAdapters, retrieveAdapter, retrieveOwnAdapter } from './readRoutes.ts';
import { createAdapterUpload, registerAdapter } from './registerRoutes.ts';

export type AdapterRouteHandler = RouteHandler<AdapterDesk>;

const HANDLERS: RouteHandlers<'adapters', AdapterDesk> = {
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

/** Serves the routes of the function `adapters`. */
export const dispatchAdapters = makeDispatch<AdapterDesk>(HANDLERS);
