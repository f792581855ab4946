import type DodoPayments from 'dodopayments';
import * as z from 'zod/mini';
import { err } from '#core/shared/result.ts';
import type { PlanChange, SubscriptionProvider } from '#core/subscriptions/ports.ts';
import { allPages } from './allPages.ts';
import { attempt } from './attempt.ts';
import { isCurrency } from './paymentProvider.ts';
import { CHECKOUT_KEY, readSubscriptionShape } from './readSubscriptionShape.ts';
import { readSubscriptionPayments } from './subscriptionPayments.ts';

const SessionAnswer = z.object({ session_id: z.string(), checkout_url: z.string() });
const PreviewAnswer = z.object({
  immediate_charge: z.object({
    summary: z.object({
      total_amount: z.int(),
      tax: z.nullish(z.int()),
      customer_credits: z.int(),
      currency: z.string(),
    }),
  }),
  new_plan: z.object({ recurring_pre_tax_amount: z.int(), next_billing_date: z.string() }),
});

/** Subscriptions at Dodo through its own SDK. */
export function makeSubscriptionProvider(client: () => Promise<DodoPayments>): SubscriptionProvider {
  return {
    createSubscriptionSession: async ({ checkout, productId, addOns, setupProductId, currency }) => {
      const dodo = await client();
      return attempt(async () => {
        const answer = await dodo.checkoutSessions.create({
          product_cart: [
            { product_id: productId, quantity: 1, addons: addOns.map(attached) },
            ...(setupProductId === null ? [] : [{ product_id: setupProductId, quantity: 1 }]),
          ],
          customer: { customer_id: checkout.customerId },
          metadata: { [CHECKOUT_KEY]: checkout.id },
          // Whoever changed these would subscribe to something that we did not offer.
          feature_flags: {
            allow_discount_code: false,
            allow_currency_selection: false,
            allow_customer_editing_email: false,
            allow_editing_addons: false,
          },
          ...(isCurrency(currency) ? { billing_currency: currency } : {}),
          ...(checkout.returnUrl === null
            ? {}
            : { return_url: checkout.returnUrl, cancel_url: checkout.returnUrl }),
        });
        const session = z.parse(SessionAnswer, answer);
        return { id: session.session_id, url: session.checkout_url };
      });
    },
    readSubscription: async (id) => {
      const dodo = await client();
      const read = await attempt(async () => readSubscriptionShape(await dodo.subscriptions.retrieve(id)));
      if (read.ok) return read;
      if (read.error.code === 'payment_provider_refused') return err({ code: 'subscription_not_found' });
      return err(read.error);
    },
    readPayments: (id, sinceMs) => readSubscriptionPayments(client, id, sinceMs),
    previewChange: async (id, change) => {
      const dodo = await client();
      return attempt(async () => {
        const preview = await dodo.subscriptions.previewChangePlan(id, changeParams(change));
        const { immediate_charge, new_plan } = z.parse(PreviewAnswer, preview);
        const { total_amount, tax, customer_credits, currency } = immediate_charge.summary;
        return {
          chargeMinor: total_amount,
          taxMinor: tax ?? 0,
          creditsMinor: customer_credits,
          currency,
          recurringMinor: new_plan.recurring_pre_tax_amount,
          nextBillingMs: Date.parse(new_plan.next_billing_date),
        };
      });
    },
    changePlan: async (id, change) => {
      const dodo = await client();
      return attempt(async () => {
        await dodo.subscriptions.changePlan(id, changeParams(change));
        return null;
      });
    },
    dropScheduledChange: async (id) => {
      const dodo = await client();
      return attempt(async () => {
        await dodo.subscriptions.cancelChangePlan(id);
        return null;
      });
    },
    cancelAtPeriodEnd: async (id, cancel) => {
      const dodo = await client();
      return attempt(async () => {
        await dodo.subscriptions.update(id, { cancel_at_next_billing_date: cancel });
        return null;
      });
    },
    endNow: async (id) => {
      const dodo = await client();
      return attempt(async () => {
        await dodo.subscriptions.update(id, { status: 'cancelled', cancel_reason: 'cancelled_by_merchant' });
        return null;
      });
    },
    listSubscriptions: async (sinceMs) => {
      const dodo = await client();
      const listed = await attempt(async () => {
        const { items, isComplete } = await allPages((page) =>
          dodo.subscriptions.list({ ...page, created_at_gte: new Date(sinceMs).toISOString() }),
        );
        const ours = items.filter(({ metadata }) => typeof metadata?.[CHECKOUT_KEY] === 'string');
        return { ids: ours.map(({ subscription_id }) => subscription_id), isComplete };
      });
      return listed.ok ? listed : err({ ...listed.error, code: 'payment_provider_unavailable' });
    },
  };
}

const attached = ({ addOnId, quantity }: PlanChange['addOns'][number]) => ({ addon_id: addOnId, quantity });

const changeParams = ({
  productId,
  addOns,
  effective,
}: PlanChange): DodoPayments.SubscriptionChangePlanParams => ({
  product_id: productId,
  quantity: 1,
  addons: addOns.map(attached),
  proration_billing_mode: 'prorated_immediately',
  effective_at: effective === 'now' ? 'immediately' : 'next_billing_date',
  // A plan that nobody paid for would give its usage away.
  on_payment_failure: 'prevent_change',
  cancel_scheduled_change_plan: true,
});
