import type { Scope } from '#core/tenants/types.ts';

/** Who may call a route. `key`: a client with the scope; `admin`: the agency; `signature`: Dodo, by its signed body. */
export type RouteAuth =
  | { readonly kind: 'key'; readonly scope: Scope }
  | { readonly kind: 'admin' }
  | { readonly kind: 'signature' }
  | { readonly kind: 'none' };

export type Route = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** API Gateway's resource path under the stage `/v1`; `{name}` is one segment, `{name+}` the rest of the path. */
  readonly path: string;
  readonly auth: RouteAuth;
  /** The function that serves it. `chat` checks keys itself, the others have the authorizer in front. */
  readonly function: 'chat' | 'control' | 'files' | 'dodo-webhook';
  readonly summary: string;
};

const key = (scope: Scope): RouteAuth => ({ kind: 'key', scope });
const admin: RouteAuth = { kind: 'admin' };

/** Every HTTP route, read by the API stack, the local server, the control function, OpenAPI and the tests. */
export const ROUTES = {
  healthz: {
    method: 'GET',
    path: '/healthz',
    auth: { kind: 'none' },
    function: 'control',
    summary: 'Says that the API answers.',
  },

  listStatementKeys: {
    method: 'GET',
    path: '/statement-keys',
    auth: { kind: 'none' },
    function: 'control',
    summary: 'Lists the public keys that sign statements.',
  },
  topUp: {
    method: 'GET',
    path: '/top-up',
    auth: { kind: 'none' },
    function: 'control',
    summary: 'A page on which a person buys credits.',
  },

  createChatCompletion: {
    method: 'POST',
    path: '/chat/completions',
    auth: key('chat'),
    function: 'chat',
    summary: 'Answers a chat, plain or as a stream.',
  },
  createCompletion: {
    method: 'POST',
    path: '/completions',
    auth: key('chat'),
    function: 'chat',
    summary: 'Completes a text, plain or as a stream.',
  },
  listModels: {
    method: 'GET',
    path: '/models',
    auth: key('models'),
    function: 'control',
    summary: "Lists the tenant's models.",
  },
  retrieveModel: {
    method: 'GET',
    path: '/models/{model+}',
    auth: key('models'),
    function: 'control',
    summary: "Shows one of the tenant's models.",
  },

  createFile: {
    method: 'POST',
    path: '/files',
    auth: key('files'),
    function: 'files',
    summary: 'Stores a file of examples and checks it.',
  },
  listFiles: {
    method: 'GET',
    path: '/files',
    auth: key('files'),
    function: 'files',
    summary: 'Lists files, newest first.',
  },
  createFileUpload: {
    method: 'POST',
    path: '/files/uploads',
    auth: key('files'),
    function: 'files',
    summary: 'Opens an upload of a large file, past the API.',
  },
  retrieveFile: {
    method: 'GET',
    path: '/files/{file}',
    auth: key('files'),
    function: 'files',
    summary: 'Shows a file and how its check ended.',
  },
  deleteFile: {
    method: 'DELETE',
    path: '/files/{file}',
    auth: key('files'),
    function: 'files',
    summary: 'Deletes a file with its report.',
  },
  readFileContent: {
    method: 'GET',
    path: '/files/{file}/content',
    auth: key('files'),
    function: 'files',
    summary: 'Answers the bytes of a file.',
  },
  readFileReport: {
    method: 'GET',
    path: '/files/{file}/report',
    auth: key('files'),
    function: 'files',
    summary: 'Shows every mistake of a file, and its statistics.',
  },
  completeFileUpload: {
    method: 'POST',
    path: '/files/{file}/complete',
    auth: key('files'),
    function: 'files',
    summary: 'Makes an upload whose bytes are there a file.',
  },

  readCredits: {
    method: 'GET',
    path: '/credits',
    auth: key('credits'),
    function: 'control',
    summary: 'Shows available and held credits.',
  },
  listCreditEntries: {
    method: 'GET',
    path: '/credits/entries',
    auth: key('credits'),
    function: 'control',
    summary: 'Lists the account book, newest first.',
  },
  readStatement: {
    method: 'GET',
    path: '/credits/statement',
    auth: key('credits'),
    function: 'control',
    summary: 'Shows what credits did in a month, as JSON or CSV.',
  },
  listReceipts: {
    method: 'GET',
    path: '/credits/receipts',
    auth: key('credits'),
    function: 'control',
    summary: 'Gives a month’s statement file, signed, for checking offline.',
  },
  listCreditPacks: {
    method: 'GET',
    path: '/credits/packs',
    auth: key('credits'),
    function: 'control',
    summary: 'Lists the packs of credits on sale.',
  },
  createCreditCheckout: {
    method: 'POST',
    path: '/credits/checkout',
    auth: key('credits'),
    function: 'control',
    summary: 'Opens a checkout for a pack of credits.',
  },
  readUsage: {
    method: 'GET',
    path: '/usage',
    auth: key('usage'),
    function: 'control',
    summary: 'Sums usage by day, key and model.',
  },

  createTenant: {
    method: 'POST',
    path: '/admin/tenants',
    auth: admin,
    function: 'control',
    summary: 'Creates a tenant with an empty account.',
  },
  listTenants: {
    method: 'GET',
    path: '/admin/tenants',
    auth: admin,
    function: 'control',
    summary: 'Lists tenants.',
  },
  retrieveTenant: {
    method: 'GET',
    path: '/admin/tenants/{tenant}',
    auth: admin,
    function: 'control',
    summary: 'Shows one tenant with its account.',
  },
  updateTenant: {
    method: 'PATCH',
    path: '/admin/tenants/{tenant}',
    auth: admin,
    function: 'control',
    summary: 'Renames, suspends, resumes or closes a tenant.',
  },
  createKey: {
    method: 'POST',
    path: '/admin/tenants/{tenant}/keys',
    auth: admin,
    function: 'control',
    summary: 'Creates an API key; its text is shown this once.',
  },
  listKeys: {
    method: 'GET',
    path: '/admin/tenants/{tenant}/keys',
    auth: admin,
    function: 'control',
    summary: "Lists a tenant's API keys.",
  },
  rotateKey: {
    method: 'POST',
    path: '/admin/tenants/{tenant}/keys/{key}/rotate',
    auth: admin,
    function: 'control',
    summary: 'Replaces a key; the old one works for a grace period.',
  },
  revokeKey: {
    method: 'DELETE',
    path: '/admin/tenants/{tenant}/keys/{key}',
    auth: admin,
    function: 'control',
    summary: 'Revokes a key at once.',
  },
  createModel: {
    method: 'POST',
    path: '/admin/tenants/{tenant}/models',
    auth: admin,
    function: 'control',
    summary: 'Gives a tenant a model name that an adapter answers.',
  },
  listTenantModels: {
    method: 'GET',
    path: '/admin/tenants/{tenant}/models',
    auth: admin,
    function: 'control',
    summary: "Lists a tenant's models and what answers them.",
  },
  removeModel: {
    method: 'DELETE',
    path: '/admin/tenants/{tenant}/models/{model+}',
    auth: admin,
    function: 'control',
    summary: 'Takes a model name away.',
  },
  adjustCredits: {
    method: 'POST',
    path: '/admin/tenants/{tenant}/credits',
    auth: admin,
    function: 'control',
    summary: 'Grants (+) or takes (−) credits, with a reason.',
  },
  listTenantEntries: {
    method: 'GET',
    path: '/admin/tenants/{tenant}/credits/entries',
    auth: admin,
    function: 'control',
    summary: "Lists a tenant's account book.",
  },
  readTenantStatement: {
    method: 'GET',
    path: '/admin/tenants/{tenant}/credits/statement',
    auth: admin,
    function: 'control',
    summary: 'Shows what credits of a tenant did in a month.',
  },
  listTenantReceipts: {
    method: 'GET',
    path: '/admin/tenants/{tenant}/credits/receipts',
    auth: admin,
    function: 'control',
    summary: 'Gives the statement file of a tenant and month.',
  },
  readTenantUsage: {
    method: 'GET',
    path: '/admin/tenants/{tenant}/usage',
    auth: admin,
    function: 'control',
    summary: "Sums a tenant's usage by day, key and model.",
  },
  listPayments: {
    method: 'GET',
    path: '/admin/payments',
    auth: admin,
    function: 'control',
    summary: 'Lists payments that need a person, or all others.',
  },
  listAuditRecords: {
    method: 'GET',
    path: '/admin/audit',
    auth: admin,
    function: 'control',
    summary: 'Lists what the agency did, and why.',
  },

  receiveDodoWebhook: {
    method: 'POST',
    path: '/webhooks/dodo',
    auth: { kind: 'signature' },
    function: 'dodo-webhook',
    summary: "Takes Dodo's signed events.",
  },
} as const satisfies Record<string, Route>;

export type RouteId = keyof typeof ROUTES;
