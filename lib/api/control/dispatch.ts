import { type RouteHandler as Handler, makeDispatch, type RouteHandlers } from '#api/edge/makeDispatch.ts';
import { adjustCredits } from './adjustCredits.ts';
import { readAnalytics } from './analytics.ts';
import { listAuditRecords } from './auditRecords.ts';
import { readTenantAutoRefill } from './autoRefill.ts';
import { listTenantEntries } from './creditEntries.ts';
import type { ControlDeps } from './deps.ts';
import { createKey, listKeys, revokeKey, rotateKey } from './keys.ts';
import { listLateUsage, settleLateUsage } from './lateUsage.ts';
import { readKeyLimits, readTenantLimits, setKeyLimits, setTenantLimits } from './limits.ts';
import { createModel, listTenantModels, removeModel } from './models.ts';
import { changeNoticeContact, listNotices, readNoticeContact } from './notices.ts';
import { listPayments } from './payments.ts';
import { listAdminPlans } from './plans.ts';
import {
  createPriceBook,
  lintPriceBook,
  listPriceBooks,
  publishPriceBook,
  replacePriceBook,
  retrievePriceBook,
  withdrawPriceBook,
} from './priceBooks.ts';
import { readPriceExperiment } from './priceExperiment.ts';
import { listTenantReceipts } from './receipts.ts';
import { importAwsCosts, listReconciliations, startReconciliation } from './reconciliation.ts';
import { promoteModel, readRollout, rollBackModel, setCanary, setShadow } from './rollouts.ts';
import { sealTenantBook } from './seals.ts';
import { readTenantStatement } from './statements.ts';
import { listSubscriptions } from './subscriptionList.ts';
import {
  cancelTenantSubscription,
  changeTenantSubscription,
  createTenantSubscriptionCheckout,
  readTenantSubscription,
} from './subscriptions.ts';
import { createTenant, listTenants, retrieveTenant, updateTenant } from './tenants.ts';
import { readTenantUsage } from './usage.ts';

export type RouteHandler = Handler<ControlDeps>;

const HANDLERS: RouteHandlers<'control', ControlDeps> = {
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
  readTenantStatement,
  listTenantReceipts,
  sealTenantBook,
  readTenantSubscription,
  createTenantSubscriptionCheckout,
  changeTenantSubscription,
  cancelTenantSubscription,
  listSubscriptions,
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
  readTenantUsage,
  listAuditRecords,
  createPriceBook,
  listPriceBooks,
  retrievePriceBook,
  replacePriceBook,
  publishPriceBook,
  withdrawPriceBook,
  readPriceExperiment,
  lintPriceBook,
};

/** Serves the routes of the function `control`: the agency’s. */
export const dispatch = makeDispatch<ControlDeps>(HANDLERS);
