import type { Scope } from '#core/tenants/types.ts';
import { CHAT_ROUTES } from './chatRoutes.ts';

/** Who may call a route. `key`: a client with the scope; `admin`: the agency; `signature`: Dodo, by its signed body. */
export type RouteAuth =
  | { readonly kind: 'key'; readonly scope: Scope }
  | { readonly kind: 'admin' }
  | { readonly kind: 'signature' }
  | { readonly kind: 'none' };

export type Route = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /**
   * The path under the stage `/v1`; `{name}` is one segment, `{name+}` one or more. What follows those is not API
   * Gateway's to match: see `gatewayPath`.
   */
  readonly path: string;
  readonly auth: RouteAuth;
  /** The function that serves it. `chat` checks keys itself, the others have the authorizer in front. */
  readonly function: 'chat' | 'account' | 'control' | 'files' | 'fine-tuning' | 'adapters' | 'dodo-webhook';
};

const key = (scope: Scope): RouteAuth => ({ kind: 'key', scope });
const admin: RouteAuth = { kind: 'admin' };

/** Every HTTP route, read by the API stack, the local server, the functions, OpenAPI and the tests. */
export const ROUTES = {
  healthz: {
    method: 'GET',
    path: '/healthz',
    auth: { kind: 'none' },
    function: 'account',
  },

  listStatementKeys: {
    method: 'GET',
    path: '/statement-keys',
    auth: { kind: 'none' },
    function: 'account',
  },
  topUp: {
    method: 'GET',
    path: '/top-up',
    auth: { kind: 'none' },
    function: 'account',
  },

  ...CHAT_ROUTES,
  listModels: {
    method: 'GET',
    path: '/models',
    auth: key('models'),
    function: 'account',
  },
  retrieveModel: {
    method: 'GET',
    path: '/models/{model+}',
    auth: key('models'),
    function: 'account',
  },

  createFile: {
    method: 'POST',
    path: '/files',
    auth: key('files'),
    function: 'files',
  },
  listFiles: {
    method: 'GET',
    path: '/files',
    auth: key('files'),
    function: 'files',
  },
  createFileUpload: {
    method: 'POST',
    path: '/files/uploads',
    auth: key('files'),
    function: 'files',
  },
  retrieveFile: {
    method: 'GET',
    path: '/files/{file}',
    auth: key('files'),
    function: 'files',
  },
  deleteFile: {
    method: 'DELETE',
    path: '/files/{file}',
    auth: key('files'),
    function: 'files',
  },
  readFileContent: {
    method: 'GET',
    path: '/files/{file}/content',
    auth: key('files'),
    function: 'files',
  },
  readFileReport: {
    method: 'GET',
    path: '/files/{file}/report',
    auth: key('files'),
    function: 'files',
  },
  completeFileUpload: {
    method: 'POST',
    path: '/files/{file}/complete',
    auth: key('files'),
    function: 'files',
  },

  createFineTuningJob: {
    method: 'POST',
    path: '/fine_tuning/jobs',
    auth: key('fine_tuning'),
    function: 'fine-tuning',
  },
  quoteFineTuningJob: {
    method: 'POST',
    path: '/fine_tuning/quotes',
    auth: key('fine_tuning'),
    function: 'fine-tuning',
  },
  listFineTuningJobs: {
    method: 'GET',
    path: '/fine_tuning/jobs',
    auth: key('fine_tuning'),
    function: 'fine-tuning',
  },
  retrieveFineTuningJob: {
    method: 'GET',
    path: '/fine_tuning/jobs/{job}',
    auth: key('fine_tuning'),
    function: 'fine-tuning',
  },
  cancelFineTuningJob: {
    method: 'POST',
    path: '/fine_tuning/jobs/{job}/cancel',
    auth: key('fine_tuning'),
    function: 'fine-tuning',
  },
  listFineTuningEvents: {
    method: 'GET',
    path: '/fine_tuning/jobs/{job}/events',
    auth: key('fine_tuning'),
    function: 'fine-tuning',
  },
  listFineTuningCheckpoints: {
    method: 'GET',
    path: '/fine_tuning/jobs/{job}/checkpoints',
    auth: key('fine_tuning'),
    function: 'fine-tuning',
  },
  listOwnAdapters: {
    method: 'GET',
    path: '/adapters',
    auth: key('fine_tuning'),
    function: 'adapters',
  },
  retrieveOwnAdapter: {
    method: 'GET',
    path: '/adapters/{adapter}',
    auth: key('fine_tuning'),
    function: 'adapters',
  },
  exportOwnAdapter: {
    method: 'POST',
    path: '/adapters/{adapter}/export',
    auth: key('fine_tuning'),
    function: 'adapters',
  },

  listTenantJobs: {
    method: 'GET',
    path: '/admin/tenants/{tenant}/jobs',
    auth: admin,
    function: 'fine-tuning',
  },

  readCredits: {
    method: 'GET',
    path: '/credits',
    auth: key('credits'),
    function: 'account',
  },
  listCreditEntries: {
    method: 'GET',
    path: '/credits/entries',
    auth: key('credits'),
    function: 'account',
  },
  readStatement: {
    method: 'GET',
    path: '/credits/statement',
    auth: key('credits'),
    function: 'account',
  },
  listReceipts: {
    method: 'GET',
    path: '/credits/receipts',
    auth: key('credits'),
    function: 'account',
  },
  listCreditPacks: {
    method: 'GET',
    path: '/credits/packs',
    auth: key('credits'),
    function: 'account',
  },
  createCreditCheckout: {
    method: 'POST',
    path: '/credits/checkout',
    auth: key('credits'),
    function: 'account',
  },
  readAutoRefill: {
    method: 'GET',
    path: '/credits/auto_refill',
    auth: key('credits'),
    function: 'account',
  },
  changeAutoRefill: {
    method: 'PUT',
    path: '/credits/auto_refill',
    auth: key('credits'),
    function: 'account',
  },
  readSubscription: {
    method: 'GET',
    path: '/subscription',
    auth: key('credits'),
    function: 'account',
  },
  listPlans: {
    method: 'GET',
    path: '/subscription/plans',
    auth: key('credits'),
    function: 'account',
  },
  createSubscriptionCheckout: {
    method: 'POST',
    path: '/subscription/checkout',
    auth: key('credits'),
    function: 'account',
  },
  changeSubscription: {
    method: 'POST',
    path: '/subscription/change',
    auth: key('credits'),
    function: 'account',
  },
  cancelSubscription: {
    method: 'POST',
    path: '/subscription/cancel',
    auth: key('credits'),
    function: 'account',
  },
  readUsage: {
    method: 'GET',
    path: '/usage',
    auth: key('usage'),
    function: 'account',
  },

  createTenant: {
    method: 'POST',
    path: '/admin/tenants',
    auth: admin,
    function: 'control',
  },
  listTenants: {
    method: 'GET',
    path: '/admin/tenants',
    auth: admin,
    function: 'control',
  },
  retrieveTenant: {
    method: 'GET',
    path: '/admin/tenants/{tenant}',
    auth: admin,
    function: 'control',
  },
  updateTenant: {
    method: 'PATCH',
    path: '/admin/tenants/{tenant}',
    auth: admin,
    function: 'control',
  },
  createKey: {
    method: 'POST',
    path: '/admin/tenants/{tenant}/keys',
    auth: admin,
    function: 'control',
  },
  listKeys: {
    method: 'GET',
    path: '/admin/tenants/{tenant}/keys',
    auth: admin,
    function: 'control',
  },
  readTenantLimits: {
    method: 'GET',
    path: '/admin/tenants/{tenant}/limits',
    auth: admin,
    function: 'control',
  },
  setTenantLimits: {
    method: 'PUT',
    path: '/admin/tenants/{tenant}/limits',
    auth: admin,
    function: 'control',
  },
  readKeyLimits: {
    method: 'GET',
    path: '/admin/tenants/{tenant}/keys/{key}/limits',
    auth: admin,
    function: 'control',
  },
  setKeyLimits: {
    method: 'PUT',
    path: '/admin/tenants/{tenant}/keys/{key}/limits',
    auth: admin,
    function: 'control',
  },
  rotateKey: {
    method: 'POST',
    path: '/admin/tenants/{tenant}/keys/{key}/rotate',
    auth: admin,
    function: 'control',
  },
  revokeKey: {
    method: 'DELETE',
    path: '/admin/tenants/{tenant}/keys/{key}',
    auth: admin,
    function: 'control',
  },
  createModel: {
    method: 'POST',
    path: '/admin/tenants/{tenant}/models',
    auth: admin,
    function: 'control',
  },
  listTenantModels: {
    method: 'GET',
    path: '/admin/tenants/{tenant}/models',
    auth: admin,
    function: 'control',
  },
  removeModel: {
    method: 'DELETE',
    path: '/admin/tenants/{tenant}/models/{model+}',
    auth: admin,
    function: 'control',
  },
  readRollout: {
    method: 'GET',
    path: '/admin/tenants/{tenant}/models/{model+}/rollout',
    auth: admin,
    function: 'control',
  },
  promoteModel: {
    method: 'POST',
    path: '/admin/tenants/{tenant}/models/{model+}/rollout/promote',
    auth: admin,
    function: 'control',
  },
  setCanary: {
    method: 'POST',
    path: '/admin/tenants/{tenant}/models/{model+}/rollout/canary',
    auth: admin,
    function: 'control',
  },
  setShadow: {
    method: 'POST',
    path: '/admin/tenants/{tenant}/models/{model+}/rollout/shadow',
    auth: admin,
    function: 'control',
  },
  rollBackModel: {
    method: 'POST',
    path: '/admin/tenants/{tenant}/models/{model+}/rollout/rollback',
    auth: admin,
    function: 'control',
  },
  createAdapterUpload: {
    method: 'POST',
    path: '/admin/tenants/{tenant}/adapters/uploads',
    auth: admin,
    function: 'adapters',
  },
  registerAdapter: {
    method: 'POST',
    path: '/admin/tenants/{tenant}/adapters',
    auth: admin,
    function: 'adapters',
  },
  listAdapters: {
    method: 'GET',
    path: '/admin/tenants/{tenant}/adapters',
    auth: admin,
    function: 'adapters',
  },
  retrieveAdapter: {
    method: 'GET',
    path: '/admin/tenants/{tenant}/adapters/{adapter}',
    auth: admin,
    function: 'adapters',
  },
  deployAdapter: {
    method: 'POST',
    path: '/admin/tenants/{tenant}/adapters/{adapter}/deploy',
    auth: admin,
    function: 'adapters',
  },
  undeployAdapter: {
    method: 'POST',
    path: '/admin/tenants/{tenant}/adapters/{adapter}/undeploy',
    auth: admin,
    function: 'adapters',
  },
  retireAdapter: {
    method: 'POST',
    path: '/admin/tenants/{tenant}/adapters/{adapter}/retire',
    auth: admin,
    function: 'adapters',
  },
  exportAdapter: {
    method: 'POST',
    path: '/admin/tenants/{tenant}/adapters/{adapter}/export',
    auth: admin,
    function: 'adapters',
  },
  adjustCredits: {
    method: 'POST',
    path: '/admin/tenants/{tenant}/credits',
    auth: admin,
    function: 'control',
  },
  readTenantAutoRefill: {
    method: 'GET',
    path: '/admin/tenants/{tenant}/auto_refill',
    auth: admin,
    function: 'control',
  },
  listTenantEntries: {
    method: 'GET',
    path: '/admin/tenants/{tenant}/credits/entries',
    auth: admin,
    function: 'control',
  },
  readTenantStatement: {
    method: 'GET',
    path: '/admin/tenants/{tenant}/credits/statement',
    auth: admin,
    function: 'control',
  },
  listTenantReceipts: {
    method: 'GET',
    path: '/admin/tenants/{tenant}/credits/receipts',
    auth: admin,
    function: 'control',
  },
  sealTenantBook: {
    method: 'POST',
    path: '/admin/tenants/{tenant}/seals',
    auth: admin,
    function: 'control',
  },
  readTenantUsage: {
    method: 'GET',
    path: '/admin/tenants/{tenant}/usage',
    auth: admin,
    function: 'control',
  },
  createPriceBook: {
    method: 'POST',
    path: '/admin/price-books',
    auth: admin,
    function: 'control',
  },
  listPriceBooks: {
    method: 'GET',
    path: '/admin/price-books',
    auth: admin,
    function: 'control',
  },
  retrievePriceBook: {
    method: 'GET',
    path: '/admin/price-books/{book}/versions/{version}',
    auth: admin,
    function: 'control',
  },
  replacePriceBook: {
    method: 'PUT',
    path: '/admin/price-books/{book}/versions/{version}',
    auth: admin,
    function: 'control',
  },
  publishPriceBook: {
    method: 'POST',
    path: '/admin/price-books/{book}/versions/{version}/publish',
    auth: admin,
    function: 'control',
  },
  withdrawPriceBook: {
    method: 'POST',
    path: '/admin/price-books/{book}/versions/{version}/withdraw',
    auth: admin,
    function: 'control',
  },
  readPriceExperiment: {
    method: 'GET',
    path: '/admin/price-books/{book}/experiment',
    auth: admin,
    function: 'control',
  },
  lintPriceBook: {
    method: 'POST',
    path: '/admin/price-books/lint',
    auth: admin,
    function: 'control',
  },
  readTenantSubscription: {
    method: 'GET',
    path: '/admin/tenants/{tenant}/subscription',
    auth: admin,
    function: 'control',
  },
  createTenantSubscriptionCheckout: {
    method: 'POST',
    path: '/admin/tenants/{tenant}/subscription/checkout',
    auth: admin,
    function: 'control',
  },
  changeTenantSubscription: {
    method: 'POST',
    path: '/admin/tenants/{tenant}/subscription/change',
    auth: admin,
    function: 'control',
  },
  cancelTenantSubscription: {
    method: 'POST',
    path: '/admin/tenants/{tenant}/subscription/cancel',
    auth: admin,
    function: 'control',
  },
  listSubscriptions: {
    method: 'GET',
    path: '/admin/subscriptions',
    auth: admin,
    function: 'control',
  },
  listAdminPlans: {
    method: 'GET',
    path: '/admin/plans',
    auth: admin,
    function: 'control',
  },
  listLateUsage: {
    method: 'GET',
    path: '/admin/late-usage',
    auth: admin,
    function: 'control',
  },
  settleLateUsage: {
    method: 'POST',
    path: '/admin/late-usage/{use}',
    auth: admin,
    function: 'control',
  },
  listPayments: {
    method: 'GET',
    path: '/admin/payments',
    auth: admin,
    function: 'control',
  },
  readAnalytics: {
    method: 'GET',
    path: '/admin/analytics',
    auth: admin,
    function: 'control',
  },
  startReconciliation: {
    method: 'POST',
    path: '/admin/reconciliation',
    auth: admin,
    function: 'control',
  },
  listReconciliations: {
    method: 'GET',
    path: '/admin/reconciliation',
    auth: admin,
    function: 'control',
  },
  importAwsCosts: {
    method: 'PUT',
    path: '/admin/aws-costs',
    auth: admin,
    function: 'control',
  },
  listNotices: {
    method: 'GET',
    path: '/admin/notices',
    auth: admin,
    function: 'control',
  },
  readNoticeContact: {
    method: 'GET',
    path: '/admin/tenants/{tenant}/notices',
    auth: admin,
    function: 'control',
  },
  changeNoticeContact: {
    method: 'PUT',
    path: '/admin/tenants/{tenant}/notices',
    auth: admin,
    function: 'control',
  },
  listAuditRecords: {
    method: 'GET',
    path: '/admin/audit',
    auth: admin,
    function: 'control',
  },

  receiveDodoWebhook: {
    method: 'POST',
    path: '/webhooks/dodo',
    auth: { kind: 'signature' },
    function: 'dodo-webhook',
  },
} as const satisfies Record<string, Route>;

export type RouteId = keyof typeof ROUTES;
