import type DodoPayments from 'dodopayments';
import * as z from 'zod/mini';
import type { MandateProvider } from '#core/refill/ports.ts';
import { allPages } from './allPages.ts';
import { attempt } from './attempt.ts';
import { isCurrency } from './paymentProvider.ts';

const SessionAnswer = z.object({ checkout_url: z.string() });
const ChargeAnswer = z.object({ payment_id: z.string() });

/** Payment methods that Dodo keeps by on-demand subscriptions, through its own SDK. */
export function makeMandateProvider(client: () => Promise<DodoPayments>): MandateProvider {
  return {
    openMandate: async ({ tenantId, customerId, productId, returnUrl }) => {
      const dodo = await client();
      return attempt(async () => {
        const session = await dodo.checkoutSessions.create({
          product_cart: [{ product_id: productId, quantity: 1 }],
          customer: { customer_id: customerId },
          metadata: { tenant_id: tenantId },
          subscription_data: { on_demand: { mandate_only: true } },
          ...(returnUrl === null ? {} : { return_url: returnUrl, cancel_url: returnUrl }),
        });
        return { url: z.parse(SessionAnswer, session).checkout_url };
      });
    },
    findMandate: async ({ customerId, productId }) => {
      const dodo = await client();
      return attempt(async () => {
        const { items } = await allPages((page) =>
          dodo.subscriptions.list({
            ...page,
            customer_id: customerId,
            product_id: productId,
            status: 'active',
          }),
        );
        // A buyer may have given a method twice; the last one is what they meant.
        const usable = items
          .filter(({ on_demand }) => on_demand)
          .toSorted((a, b) => (a.created_at < b.created_at ? -1 : 1));
        return usable.at(-1)?.subscription_id ?? null;
      });
    },
    charge: async ({ mandateId, amountMinor, currency, description, checkoutId }) => {
      const dodo = await client();
      return attempt(async () => {
        const charged = await dodo.subscriptions.charge(mandateId, {
          product_price: amountMinor,
          product_description: description,
          metadata: { checkout_id: checkoutId },
          ...(isCurrency(currency) ? { product_currency: currency } : {}),
        });
        return { paymentId: z.parse(ChargeAnswer, charged).payment_id };
      });
    },
    findCharge: async ({ mandateId, checkoutId, sinceMs }) => {
      const dodo = await client();
      return attempt(async () => {
        const { items, isComplete } = await allPages((page) =>
          dodo.payments.list({
            ...page,
            subscription_id: mandateId,
            created_at_gte: new Date(sinceMs).toISOString(),
          }),
        );
        const found = items.find(({ metadata }) => metadata?.['checkout_id'] === checkoutId);
        if (found !== undefined) return { paymentId: found.payment_id };
        if (!isComplete) throw new Error('more payments than a look may read');
        return null;
      });
    },
  };
}
