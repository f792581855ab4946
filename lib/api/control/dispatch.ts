import { type ApiRequest, type ApiResponse, refuse } from '#api/http.ts';
import { ROUTES, type Route, type RouteId } from '#api/routes.ts';
import { adjustCredits } from './adjustCredits.ts';
import { readAnalytics } from './analytics.ts';
import { listAuditRecords } from './auditRecords.ts';
import { authorize } from './authorize.ts';
import { changeAutoRefill, readAutoRefill, readTenantAutoRefill } from './autoRefill.ts';
import { createCreditCheckout } from './creditCheckout.ts';
import { listCreditEntries, listTenantEntries } from './creditEntries.ts';
import { listCreditPacks, readCredits } from './credits.ts';
import type { ControlDeps } from './deps.ts';
import { healthz } from './health.ts';
import { createKey, listKeys, revokeKey, rotateKey } from './keys.ts';
import { listLateUsage, settleLateUsage } from './lateUsage.ts';
import { readKeyLimits, readTenantLimits, setKeyLimits, setTenantLimits } from './limits.ts';
import { createModel, listTenantModels, removeModel } from './models.ts';
import { changeNoticeContact, listNotices, readNoticeContact } from './notices.ts';
import { listModels, retrieveModel } from './openaiModels.ts';
import { listPayments } from './payments.ts';
import { listAdminPlans, listPlans } from './plans.ts';
import {
  createPriceBook,
  listPriceBooks,
  publishPriceBook,
  replacePriceBook,
  retrievePriceBook,
} from './priceBooks.ts';
import { listReceipts, listStatementKeys, listTenantReceipts } from './receipts.ts';
import { importAwsCosts, listReconciliations, startReconciliation } from './reconciliation.ts';
import { promoteModel, readRollout, rollBackModel, setCanary, setShadow } from './rollouts.ts';
import { sealTenantBook } from './seals.ts';
import { readStatement, readTenantStatement } from './statements.ts';
import {
  cancelSubscription,
  cancelTenantSubscription,
  changeSubscription,
  changeTenantSubscription,
  createSubscriptionCheckout,
  createTenantSubscriptionCheckout,
  readSubscription,
  readTenantSubscription,
} from './subscriptions.ts';
import { createTenant, listTenants, retrieveTenant, updateTenant } from './tenants.ts';
import { topUp } from './topUpPage.ts';
import { readTenantUsage, readUsage } from './usage.ts';

export type RouteHandler = (deps: ControlDeps, request: ApiRequest) => Promise<ApiResponse>;

/** The routes that the control function serves. */
export type ControlRouteId = {
  [Id in RouteId]: (typeof ROUTES)[Id]['function'] extends 'control' ? Id : never;
}[RouteId];

/** One line for each route: a route without one does not compile. */
const HANDLERS: Readonly<Record<ControlRouteId, RouteHandler>> = {
  healthz,
  topUp,
  listModels,
  retrieveModel,
  readCredits,
  listCreditEntries,
  listCreditPacks,
  createCreditCheckout,
  readAutoRefill,
  changeAutoRefill,
  readTenantAutoRefill,
  createTenant,
  listTenants,
  retrieveTenant,
  updateTenant,
  createKey,
  listKeys,
  rotateKey,
  revokeKey,
  readTenantLimits,
  setTenantLimits,
  readKeyLimits,
  setKeyLimits,
  createModel,
  listTenantModels,
  removeModel,
  readRollout,
  promoteModel,
  setCanary,
  setShadow,
  rollBackModel,
  adjustCredits,
  listTenantEntries,
  readStatement,
  readTenantStatement,
  listReceipts,
  listTenantReceipts,
  sealTenantBook,
  listStatementKeys,
  readSubscription,
  listPlans,
  createSubscriptionCheckout,
  changeSubscription,
  cancelSubscription,
  readTenantSubscription,
  createTenantSubscriptionCheckout,
  changeTenantSubscription,
  cancelTenantSubscription,
  listAdminPlans,
  listLateUsage,
  settleLateUsage,
  listPayments,
  readAnalytics,
  startReconciliation,
  listReconciliations,
  importAwsCosts,
  listNotices,
  readNoticeContact,
  changeNoticeContact,
  readUsage,
  readTenantUsage,
  listAuditRecords,
  createPriceBook,
  listPriceBooks,
  retrievePriceBook,
  replacePriceBook,
  publishPriceBook,
};

/** Checks that the caller may use the route, and lets its handler answer. */
export async function dispatch(deps: ControlDeps, request: ApiRequest): Promise<ApiResponse> {
  const route: Route = ROUTES[request.routeId];
  const allowed = authorize(route.auth, request.principal);
  if (!allowed.ok) return refuse(allowed.error);
  if (isControlRoute(request.routeId)) return HANDLERS[request.routeId](deps, request);
  const message = `This function does not serve ${route.method} ${route.path}.`;
  return refuse({ code: 'not_found', message });
}

const isControlRoute = (id: RouteId): id is ControlRouteId => ROUTES[id].function === 'control';
