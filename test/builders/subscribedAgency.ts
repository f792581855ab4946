import { applySubscription } from '#core/subscriptions/applySubscription.ts';
import { type Agency, startAgency } from './agency.ts';

type Tenant = Awaited<ReturnType<Agency['newTenant']>>;

/** An agency whose tenants subscribe: what a test of the subscription routes needs beside the routes. */
export async function startSubscribedAgency() {
  const agency = await startAgency();

  const call = (tenant: Tenant, method: string, path: string, body?: unknown, headers = {}) =>
    agency.call(method, path, { key: tenant.apiKey, headers, ...(body === undefined ? {} : { body }) });

  /** Brings a subscription up to what Dodo shows. */
  const apply = async (subscriptionId: string): Promise<void> => {
    const { subscriptions, ledger } = agency.deps;
    await applySubscription(
      { ...subscriptions, ledger, clock: () => agency.clock.nowMs },
      { subscriptionId },
    );
  };

  /** Pays the checkout that an answer names, and applies what Dodo has of it then. */
  const pay = async (answer: { readonly body: { readonly checkout_url: string } }): Promise<string> => {
    const session = answer.body.checkout_url.split('/').at(-1);
    const payment = await agency.dodo.post(`/checkout/${session}/pay`);
    // The clock of these tests is their own; a new subscription begins by it.
    agency.clock.nowMs = Date.now();
    const subscriptionId = String(payment['subscription_id']);
    await apply(subscriptionId);
    return subscriptionId;
  };

  return {
    ...agency,
    /** A request of a tenant. */
    as: call,
    apply,
    pay,
    subscribed: async (plan = 'essentials'): Promise<Tenant & { readonly subscriptionId: string }> => {
      const tenant = await agency.newTenant();
      return {
        ...tenant,
        subscriptionId: await pay(await call(tenant, 'POST', '/subscription/checkout', { plan })),
      };
    },
    /** What was charged for a subscription so far, in minor units, in order. */
    charged: async (subscriptionId: string): Promise<readonly number[]> => {
      const { items } = await agency.dodo.sdk.payments.list({
        subscription_id: subscriptionId,
        page_number: 0,
      });
      return items.map(({ total_amount }) => total_amount);
    },
    /** Moves the clock on, here and at the payment provider. */
    pass: async (ms: number, fromMs = agency.clock.nowMs): Promise<void> => {
      agency.clock.nowMs = fromMs + ms;
      await agency.dodo.post('/_sim/clock', { now: new Date(agency.clock.nowMs).toISOString() });
    },
    faults: (api: readonly unknown[]) => agency.dodo.post('/_sim/faults', { api }),
  };
}

export type SubscribedAgency = Awaited<ReturnType<typeof startSubscribedAgency>>;
