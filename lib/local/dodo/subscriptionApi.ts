import type { DodoPayments } from 'dodopayments';
import * as z from 'zod/mini';
import { HttpError, parseFields, type StandInResponse, type StandInRoute } from './http.ts';
import { metadataSchema } from './merchantApi.ts';
import { page } from './page.ts';
import { move } from './planBilling.ts';
import { changePlan, changeSchema, previewChange } from './planChange.ts';
import { findSubscription, type Shop } from './shop.ts';
import { chargeSubscription, listedSubscription, moveSubscription } from './subscriptions.ts';

const chargeSchema = z.object({
  product_price: z.int().check(z.gte(1)),
  product_currency: z.nullish(
    z.custom<DodoPayments.Currency>((value) => typeof value === 'string' && /^[A-Z]{3}$/.test(value)),
  ),
  product_description: z.nullish(z.string()),
  metadata: metadataSchema,
});

const updateSchema = z.object({
  cancel_at_next_billing_date: z.optional(z.boolean()),
  status: z.optional(z.literal('cancelled')),
});

const json = (body: unknown): StandInResponse => ({ status: 200, json: body });

/** The part of Dodo's subscriptions that the product calls. */
export function subscriptionRoutes(shop: Shop): StandInRoute[] {
  return [
    {
      method: 'GET',
      path: '/subscriptions',
      handle: (request) => {
        const query = request.url.searchParams;
        const chosen = Object.values(shop.state.subscriptions).filter(
          ({ customer, product_id }) =>
            customer.customer_id === (query.get('customer_id') ?? customer.customer_id) &&
            product_id === (query.get('product_id') ?? product_id),
        );
        return json(page(request, chosen.map(listedSubscription)));
      },
    },
    {
      method: 'GET',
      path: '/subscriptions/:id',
      handle: ({ params: { id = '' } }) => json(findSubscription(shop, id)),
    },
    {
      method: 'PATCH',
      path: '/subscriptions/:id',
      handle: (request) => {
        const { cancel_at_next_billing_date, status } = parseFields(updateSchema, request);
        const subscription = findSubscription(shop, request.params['id'] ?? '');
        if (status !== undefined) return json(moveSubscription(shop, subscription.subscription_id, status));
        const updated = {
          ...subscription,
          cancel_at_next_billing_date:
            cancel_at_next_billing_date ?? subscription.cancel_at_next_billing_date,
        };
        move(shop, updated, 'subscription.updated');
        return json(updated);
      },
    },
    {
      method: 'POST',
      path: '/subscriptions/:id/change-plan',
      handle: (request) =>
        json(
          changePlan(
            shop,
            findSubscription(shop, request.params['id'] ?? ''),
            parseFields(changeSchema, request),
          ),
        ),
    },
    {
      method: 'POST',
      path: '/subscriptions/:id/change-plan/preview',
      handle: (request) =>
        json(
          previewChange(
            shop,
            findSubscription(shop, request.params['id'] ?? ''),
            parseFields(changeSchema, request),
          ),
        ),
    },
    {
      method: 'DELETE',
      path: '/subscriptions/:id/change-plan/scheduled',
      handle: ({ params: { id = '' } }) => {
        const subscription = findSubscription(shop, id);
        if (!subscription.scheduled_change) throw new HttpError(404, 'NOT_FOUND', 'no change is scheduled');
        move(shop, { ...subscription, scheduled_change: null }, 'subscription.updated');
        return json({});
      },
    },
    {
      method: 'POST',
      path: '/subscriptions/:id/charge',
      handle: (request) => {
        const { product_price, product_currency, metadata } = parseFields(chargeSchema, request);
        const { payment_id } = chargeSubscription(shop, request.params['id'] ?? '', {
          amount: product_price,
          currency: product_currency ?? null,
          metadata: metadata ?? null,
        });
        return json({ payment_id } satisfies DodoPayments.SubscriptionChargeResponse);
      },
    },
  ];
}
