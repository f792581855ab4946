import type { APIGatewayProxyEvent, APIGatewayRequestAuthorizerEvent } from 'aws-lambda';
import type { ControlDeps } from '#api/control/deps.ts';
import { dispatch } from '#api/control/dispatch.ts';
import { dispatchAccount } from '#api/control/dispatchAccount.ts';
import { makeAuthorizerHandler } from '#api/edge/authorizerHandler.ts';
import { makeHttpHandler } from '#api/edge/httpHandler.ts';
import { matchRoute } from '#api/matchRoute.ts';
import { ROUTES } from '#api/routes.ts';
import { parseBookTexts } from '#core/pricing/parsePriceBooks.ts';
import { toBook, toKept } from '#core/pricing/readPriceBooks.ts';
import { nodeCrypto } from '#io/crypto.ts';
import { makeDodoClient } from '#io/dodo/client.ts';
import { makeMandateProvider } from '#io/dodo/mandateProvider.ts';
import { makePaymentProvider } from '#io/dodo/paymentProvider.ts';
import { makeSubscriptionProvider } from '#io/dodo/subscriptionProvider.ts';
import { makeAdapterStore } from '#io/dynamodb/adapterStore.ts';
import { makeArmBook } from '#io/dynamodb/armBook.ts';
import { makeBillingStore } from '#io/dynamodb/billingStore.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeJobStore } from '#io/dynamodb/jobStore.ts';
import { makeLateUsageList } from '#io/dynamodb/lateUsageList.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { makeNoticeOutbox } from '#io/dynamodb/noticeOutbox.ts';
import { makePriceBookSource } from '#io/dynamodb/priceBookSource.ts';
import { makePriceBookStore } from '#io/dynamodb/priceBookStore.ts';
import { makeReconciliationStore } from '#io/dynamodb/reconciliationStore.ts';
import { makeRefillStore } from '#io/dynamodb/refillStore.ts';
import { makeRolloutStore } from '#io/dynamodb/rolloutStore.ts';
import { makeSealKeys } from '#io/dynamodb/sealKeys.ts';
import { makeStatementBook } from '#io/dynamodb/statementBook.ts';
import { makeSubscriptionStore } from '#io/dynamodb/subscriptionStore.ts';
import { makeVersionBook } from '#io/dynamodb/versionBook.ts';
import { makeJobCosts } from '#io/jobCosts.ts';
import { noticeWebhookKey } from '#io/notices/noticeWebhookKey.ts';
import { loadPlans } from '#io/plans.ts';
import { loadPriceBooks } from '#io/priceTables.ts';
import { makeSealSigner } from '#io/sealSigner.ts';
import { statementPdf } from '#io/statementPdf.ts';
import { systemWorld } from '#io/world.ts';
import { CATALOGUE } from './billing.ts';
import { startTestDatabase, type TestDatabase } from './database.ts';
import { API_KEY, startTestDodo } from './dodo.ts';
import { type Answer, type CallOptions, lambdaContext, proxyEvent, quietLog, readAnswer } from './http.ts';
import { registerDeployed } from './registeredAdapter.ts';

export const TOP_UP_URL = 'https://shop.example/top-up';
export const NOTICE_SECRET = 'the-notice-secret-of-this-test';
const SEAL_SECRET = 'the-seal-key-of-this-test';
export const ADMIN_KEY = 'the-admin-key-of-this-test';
const METHOD_ARN = 'arn:aws:execute-api:us-east-1:000000000000:api/v1/GET/';

export type Sent = Omit<CallOptions, 'as'> & { readonly key?: string };

/**
 * The authorizer, the account and the control function on a database of their own, put together as on AWS. `call` sends a
 * request through two of them; `clock.nowMs` is their time; `reads` counts what reached the database.
 */
export async function startAgency() {
  const database: TestDatabase = await startTestDatabase();
  const dodo = await startTestDodo();
  const clock = { nowMs: 1_800_000_000_000 };
  const reads = { count: 0 };
  database.client.middlewareStack.add(
    (next) => (args) => {
      reads.count += 1;
      return next(args);
    },
    { step: 'finalizeRequest' },
  );
  const world = { ...systemWorld, clock: () => clock.nowMs };
  const seeds = loadPriceBooks({ TUNEGATE_PRICE_TABLES_DIR: 'layers/price-tables' }, parseBookTexts);
  const peppers = async () => ['pepper-of-this-test'] as const;
  const reconciliations: string[] = [];
  const dodoClient = makeDodoClient({ baseURL: dodo.url }, async () => API_KEY);
  const sealKeys = makeSealKeys(database.client, `${database.prefix}ledger`);
  const deps: ControlDeps = {
    world,
    directory: makeDirectory(database.client, `${database.prefix}directory`),
    ledger: makeLedgerStore(database.client, `${database.prefix}ledger`),
    signing: { crypto: nodeCrypto, peppers },
    rollouts: makeRolloutStore(database.client, `${database.prefix}directory`),
    adapters: makeAdapterStore(database.client, `${database.prefix}directory`),
    versions: makeVersionBook(database.client, `${database.prefix}versions`, world.clock),
    engines: { allowLoopback: true },
    priceBooks: {
      arms: makeArmBook(database.client, `${database.prefix}versions`),
      store: makePriceBookStore(database.client, `${database.prefix}directory`),
      source: makePriceBookSource(database.client, `${database.prefix}directory`, {
        seeds: seeds.map(toBook),
        clock: world.clock,
      }),
      seeds: seeds.map(toKept),
    },
    statements: {
      book: makeStatementBook(database.client, `${database.prefix}ledger`),
      keys: sealKeys,
      sha256: nodeCrypto.sha256Hex,
      pdf: statementPdf,
    },
    signer: makeSealSigner(async () => JSON.stringify([SEAL_SECRET]), sealKeys),
    late: makeLateUsageList(database.client, `${database.prefix}ledger`),
    jobCosts: makeJobCosts(
      makeDirectory(database.client, `${database.prefix}directory`),
      makeJobStore(database.client, `${database.prefix}training`),
    ),
    reconciliation: {
      endpointNames: ['tunegate-test-main', 'tunegate-test-main-acme'],
      store: makeReconciliationStore(database.client, `${database.prefix}billing`),
      queue: { send: async ({ day }) => void reconciliations.push(day) },
    },
    notices: {
      outbox: makeNoticeOutbox(database.client, `${database.prefix}billing`),
      webhookKey: async (tenantId) => noticeWebhookKey(NOTICE_SECRET, tenantId),
    },
    subscriptions: {
      catalogue: loadPlans({ TUNEGATE_PRICE_TABLES_DIR: 'layers/price-tables' }),
      store: makeSubscriptionStore(database.client, `${database.prefix}billing`),
      provider: {
        ...makeSubscriptionProvider(dodoClient),
        createCustomer: makePaymentProvider(dodoClient).createCustomer,
      },
    },
    credits: {
      catalogue: CATALOGUE,
      store: makeBillingStore(database.client, `${database.prefix}billing`),
      provider: makePaymentProvider(dodoClient),
      refills: makeRefillStore(database.client, `${database.prefix}billing`),
      mandates: makeMandateProvider(dodoClient),
      topUpUrl: TOP_UP_URL,
      onProviderFailure: () => undefined,
    },
  };
  const log = quietLog();
  const account = makeHttpHandler({ ...log, dispatch: (request) => dispatchAccount(deps, request) });
  const control = makeHttpHandler({ ...log, dispatch: (request) => dispatch(deps, request) });
  /** As API Gateway does; what no route has goes to one of them all the same. */
  const invoke = (event: APIGatewayProxyEvent) => {
    const matched = matchRoute(event.httpMethod, event.path);
    const isAccounts = matched.ok && ROUTES[matched.value.routeId].function === 'account';
    return (isAccounts ? account : control)(event, lambdaContext);
  };
  const authorizer = makeAuthorizerHandler(
    {
      clock: world.clock,
      directory: deps.directory,
      crypto: nodeCrypto,
      peppers,
      adminKeys: async () => ['another-admin-key', ADMIN_KEY],
    },
    log,
  );

  const call = async (method: string, path: string, { key, ...options }: Sent = {}): Promise<Answer> => {
    const headers = { ...options.headers, ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }) };
    const event = proxyEvent(method, path, { ...options, headers });
    if (
      path !== ROUTES.healthz.path &&
      path !== ROUTES.topUp.path &&
      path !== ROUTES.listStatementKeys.path
    ) {
      const asked = { ...event, type: 'REQUEST', methodArn: METHOD_ARN };
      try {
        const policy = await authorizer(asked as unknown as APIGatewayRequestAuthorizerEvent, lambdaContext);
        Object.assign(event.requestContext, { authorizer: policy.context });
      } catch (error) {
        if (!(error instanceof Error) || error.message !== 'Unauthorized') throw error;
        return { status: 401, headers: {}, body: undefined };
      }
    }
    return readAnswer(await invoke(event));
  };

  const admin = (method: string, path: string, body?: unknown, rest: Omit<Sent, 'key' | 'body'> = {}) =>
    call(method, path, { key: ADMIN_KEY, ...(body === undefined ? {} : { body }), ...rest });

  /** A new tenant with a key, by the API. */
  const newTenant = async (name = 'Northwind') => {
    const tenant = await admin('POST', '/admin/tenants', { name });
    const path = `/admin/tenants/${tenant.body.id}`;
    const key = await admin('POST', `${path}/keys`, { name: 'production' });
    return { id: String(tenant.body.id), path, keyId: String(key.body.id), apiKey: String(key.body.api_key) };
  };

  /** Puts adapters into the registry as deployed, past scan and proof. */
  const deployed = (tenantId: string, ...ids: readonly string[]) =>
    registerDeployed(makeAdapterStore(database.client, `${database.prefix}directory`), tenantId, ids);

  const stop = async () => {
    await dodo.stop();
    await database.stop();
  };
  /** Gives the control function an event as it is. */
  const handle = async (event: APIGatewayProxyEvent) => readAnswer(await control(event, lambdaContext));
  return {
    reconciliations,
    database,
    dodo,
    deps,
    clock,
    reads,
    log,
    handle,
    call,
    admin,
    newTenant,
    deployed,
    stop,
  };
}

export type Agency = Awaited<ReturnType<typeof startAgency>>;

/** What an answer that refuses looks like. */
export const refusal = (status: number, code: string, param?: string | null) => ({
  status,
  body: { error: { code, ...(param === undefined ? {} : { param }) } },
});

/** The path of a tenant that does not exist. */
export const NOBODY = '/admin/tenants/ten_01k00000000000000000000000';
