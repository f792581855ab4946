import { createServer } from 'node:http';
import { type HandlePaymentDeps, handlePaymentMessage } from '#core/billing/handlePaymentMessage.ts';
import { type OpenedCheckout, openCheckout } from '#core/billing/openCheckout.ts';
import type { BillingStore, PaymentProvider } from '#core/billing/ports.ts';
import { type ReceiveDeps, receiveWebhook } from '#core/billing/receiveWebhook.ts';
import type { PaymentMessage } from '#core/billing/types.ts';
import type { Ledger } from '#core/ledger/ports.ts';
import type { RefillMessage } from '#core/refill/ports.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { ZERO } from '#core/shared/money.ts';
import type { Directory } from '#core/tenants/ports.ts';
import { loadCreditPacks } from '#io/creditPacks.ts';
import { nodeCrypto } from '#io/crypto.ts';
import { makeDodoClient } from '#io/dodo/client.ts';
import { makePaymentProvider } from '#io/dodo/paymentProvider.ts';
import { makeWebhookVerifier } from '#io/dodo/webhookVerifier.ts';
import { makeBillingStore } from '#io/dynamodb/billingStore.ts';
import { makeDirectory } from '#io/dynamodb/directory.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { systemWorld } from '#io/world.ts';
import { startTestDatabase, type TestDatabase } from './database.ts';
import { API_KEY, startTestDodo, type TestDodo, WEBHOOK_KEY } from './dodo.ts';
import { aTenant } from './tenants.ts';

const PRICE_TABLES = new URL('../../layers/price-tables', import.meta.url).pathname;
export const CATALOGUE = loadCreditPacks({ TUNEGATE_PRICE_TABLES_DIR: PRICE_TABLES });

/** The whole way of a payment with real parts: stand-in, SDK, signatures, tables and ledger; only the queue is a list. */
export type TestBilling = {
  readonly dodo: TestDodo;
  readonly database: TestDatabase;
  readonly store: BillingStore;
  readonly ledger: Ledger;
  readonly directory: Directory;
  readonly provider: PaymentProvider;
  /** What `applyPayment` and `receiveWebhook` work with here. */
  readonly applyDeps: HandlePaymentDeps;
  readonly receiveDeps: ReceiveDeps;
  /** What the webhook handed on and nobody applied yet. */
  readonly queue: PaymentMessage[];
  /** The same for subscriptions and licences. */
  /** The same of refills. */
  readonly refillQueue: RefillMessage[];
  readonly subscriptionQueue: Parameters<ReceiveDeps['subscriptions']['send']>[0][];
  readonly newTenant: () => Promise<TenantId>;
  readonly checkout: (tenantId: TenantId, packId?: string, quantity?: number) => Promise<OpenedCheckout>;
  /** Pays a checkout; answers the payment's id. */
  readonly pay: (checkout: OpenedCheckout) => Promise<string>;
  /** Waits until every webhook was delivered, then applies what is queued. */
  readonly settle: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

export async function startTestBilling(): Promise<TestBilling> {
  const database = await startTestDatabase();
  const table = (name: string) => `${database.prefix}${name}`;
  const store = makeBillingStore(database.client, table('billing'));
  const ledger = makeLedgerStore(database.client, table('ledger'));
  const directory = makeDirectory(database.client, table('directory'));
  const queue: PaymentMessage[] = [];
  const refillQueue: RefillMessage[] = [];
  const subscriptionQueue: TestBilling['subscriptionQueue'][number][] = [];
  const receiveDeps: ReceiveDeps = {
    verify: makeWebhookVerifier(async () => [WEBHOOK_KEY], Date.now),
    store,
    queue: { send: async (message) => void queue.push(message) },
    subscriptions: { send: async (message) => void subscriptionQueue.push(message) },
    refills: { send: async (message) => void refillQueue.push(message) },
    sha256Hex: nodeCrypto.sha256Hex,
    clock: Date.now,
  };
  const webhook = await startWebhook(receiveDeps);
  const dodo = await startTestDodo({ webhookUrl: webhook.url });
  const provider = makePaymentProvider(makeDodoClient({ baseURL: dodo.url }, async () => API_KEY));
  const deps = {
    provider,
    store,
    ledger,
    directory,
    clock: Date.now,
    packs: CATALOGUE.packs,
    world: systemWorld,
    subscriptions: receiveDeps.subscriptions,
  };

  return {
    dodo,
    database,
    store,
    ledger,
    directory,
    provider,
    applyDeps: deps,
    receiveDeps,
    refillQueue,
    queue,
    subscriptionQueue,
    newTenant: async () => {
      const tenant = aTenant();
      await directory.createTenant(tenant, {
        id: systemWorld.newId('auditRecord'),
        atMs: 1,
        actor: 'test',
        action: 'tenant.created',
        tenantId: tenant.id,
        reason: 'test',
        details: {},
      });
      await ledger.openAccount(tenant.id, ZERO);
      return tenant.id;
    },
    checkout: async (tenantId, packId = 'pack-50', quantity = 1) => {
      const opened = await openCheckout(deps, {
        tenantId,
        packId,
        quantity,
        returnUrl: null,
        email: null,
        idempotencyKey: null,
      });
      if (!opened.ok) throw new Error(`no checkout: ${JSON.stringify(opened.error)}`);
      return opened.value;
    },
    pay: async (checkout) => String((await dodo.post(`/checkout/${checkout.session.id}/pay`))['payment_id']),
    settle: async () => {
      await dodo.post('/_sim/idle');
      // Like SQS: a message leaves the queue only when it was applied.
      for (let message = queue[0]; message !== undefined; message = queue[0]) {
        await handlePaymentMessage(deps, JSON.stringify(message));
        queue.shift();
      }
    },
    stop: async () => {
      await dodo.stop();
      await webhook.stop();
      await database.stop();
    },
  };
}

async function startWebhook(deps: ReceiveDeps) {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const received = await receiveWebhook(deps, { body: Buffer.concat(chunks), headers });
    response.writeHead(received.ok ? 200 : 401).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
