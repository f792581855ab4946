import type { TenantId } from '#core/shared/ids.ts';
import type { ApplyLicenceDeps } from '#core/subscriptions/applyLicence.ts';
import { handleSubscriptionMessage } from '#core/subscriptions/handleSubscriptionMessage.ts';
import { openSubscription, type SubscriptionWanted } from '#core/subscriptions/openSubscription.ts';
import type { OverageOutbox, UsageMeter } from '#core/subscriptions/overagePorts.ts';
import type { SubscriptionProvider, SubscriptionStore } from '#core/subscriptions/ports.ts';
import { nodeCrypto } from '#io/crypto.ts';
import { makeDodoClient } from '#io/dodo/client.ts';
import { makeLicenceProvider } from '#io/dodo/licenceProvider.ts';
import { makeSubscriptionProvider } from '#io/dodo/subscriptionProvider.ts';
import { makeUsageMeter } from '#io/dodo/usageMeter.ts';
import { makeLicenceStore } from '#io/dynamodb/licenceStore.ts';
import { makeOverageOutbox } from '#io/dynamodb/overageOutbox.ts';
import { makeSubscriptionStore } from '#io/dynamodb/subscriptionStore.ts';
import { loadPlans } from '#io/plans.ts';
import { systemWorld } from '#io/world.ts';
import { startTestBilling, type TestBilling } from './billing.ts';
import { API_KEY } from './dodo.ts';

export const PLANS = loadPlans({ TUNEGATE_PRICE_TABLES_DIR: 'layers/price-tables' });

/** Subscriptions, licences and overage with real parts; `clock` is theirs and the stand-in's. */
export type TestSubscriptions = {
  readonly billing: TestBilling;
  readonly store: SubscriptionStore;
  readonly provider: SubscriptionProvider;
  readonly outbox: OverageOutbox;
  readonly meter: UsageMeter;
  readonly deps: ApplyLicenceDeps;
  readonly clock: { nowMs: number };
  /** Opens a checkout and pays it; answers the subscription's id. */
  readonly subscribe: (tenantId: TenantId, wanted?: Partial<SubscriptionWanted>) => Promise<string>;
  /** Moves the clock on, here and at Dodo, and waits until what fell due is applied. */
  readonly advanceTo: (nowMs: number) => Promise<void>;
  /** Waits until every webhook was delivered, then applies what is queued. */
  readonly settle: () => Promise<void>;
};

export async function startTestSubscriptions(): Promise<TestSubscriptions> {
  const billing = await startTestBilling();
  const { database, dodo, ledger, directory } = billing;
  const table = (name: string) => `${database.prefix}${name}`;
  const client = makeDodoClient({ baseURL: dodo.url }, async () => API_KEY);
  const provider = makeSubscriptionProvider(client);
  const store = makeSubscriptionStore(database.client, table('billing'));
  const clock = { nowMs: Date.now() };
  const world = { ...systemWorld, clock: () => clock.nowMs };
  const deps: ApplyLicenceDeps = {
    catalogue: PLANS,
    licences: { ...makeLicenceProvider(client), ...makeLicenceStore(database.client, table('billing')) },
    payments: { readPayment: billing.provider.readPayment, readCheckout: billing.store.readCheckout },
    subscriptions: { catalogue: PLANS, provider, store, ledger, clock: world.clock },
    tenancy: { world, directory, ledger, signing: { crypto: nodeCrypto, peppers: async () => ['a pepper'] } },
  };

  const settle = async (): Promise<void> => {
    await dodo.post('/_sim/idle');
    // Like SQS: a message leaves the queue only when it was applied.
    const queue = billing.subscriptionQueue;
    for (let message = queue[0]; message !== undefined; message = queue[0]) {
      await handleSubscriptionMessage(deps, JSON.stringify(message));
      queue.shift();
    }
  };
  return {
    billing,
    store,
    provider,
    outbox: makeOverageOutbox(database.client, table('ledger')),
    meter: makeUsageMeter(client, PLANS.meter.eventName),
    deps,
    clock,
    subscribe: async (tenantId, wanted = {}) => {
      const opened = await openSubscription(
        {
          catalogue: PLANS,
          store,
          provider: { ...provider, createCustomer: billing.provider.createCustomer },
          directory,
          world,
        },
        {
          tenantId,
          planId: 'essentials',
          interval: 'monthly',
          addOns: [],
          withSetup: false,
          returnUrl: null,
          email: null,
          idempotencyKey: null,
          ...wanted,
        },
      );
      if (!opened.ok) throw new Error(`no checkout: ${JSON.stringify(opened.error)}`);
      const payment = await dodo.post(`/checkout/${opened.value.session.id}/pay`);
      return String(payment['subscription_id']);
    },
    advanceTo: async (nowMs) => {
      clock.nowMs = nowMs;
      await dodo.post('/_sim/clock', { now: new Date(nowMs).toISOString() });
      await settle();
    },
    settle,
  };
}
