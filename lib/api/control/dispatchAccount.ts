import { makeDispatch, type RouteHandler, type RouteHandlers } from '#api/edge/makeDispatch.ts';
import { changeAutoRefill, readAutoRefill } from './autoRefill.ts';
import { createCreditCheckout } from './creditCheckout.ts';
import { listCreditEntries } from './creditEntries.ts';
import { listCreditPacks, readCredits } from './credits.ts';
import type { AccountDeps } from './deps.ts';
import { healthz } from './health.ts';
import { listModels, retrieveModel } from './openaiModels.ts';
import { listPlans } from './plans.ts';
import { listReceipts, listStatementKeys } from './receipts.ts';
import { readStatement } from './statements.ts';
import {
  cancelSubscription,
  changeSubscription,
  createSubscriptionCheckout,
  readSubscription,
} from './subscriptions.ts';
import { topUp } from './topUpPage.ts';
import { readUsage } from './usage.ts';

export type AccountHandler = RouteHandler<AccountDeps>;

const HANDLERS: RouteHandlers<'account', AccountDeps> = {
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
  readStatement,
  listReceipts,
  listStatementKeys,
  readSubscription,
  listPlans,
  createSubscriptionCheckout,
  changeSubscription,
  cancelSubscription,
  readUsage,
};

/** Serves the routes of the function `account`: a client's own credits, usage, subscription and models, and what is everybody's. */
export const dispatchAccount = makeDispatch<AccountDeps>(HANDLERS);
