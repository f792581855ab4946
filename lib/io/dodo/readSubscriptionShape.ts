import * as z from 'zod/mini';
import type { CheckoutId } from '#core/shared/ids.ts';
import { parseId } from '#core/shared/ids.ts';
import type { ObservedSubscription } from '#core/subscriptions/types.ts';

/** The metadata that names our checkout; another word than a payment's, so that neither is taken for the other. */
export const CHECKOUT_KEY = 'subscription_checkout_id';

const AddOns = z.nullish(z.array(z.object({ addon_id: z.string(), quantity: z.int() })));

const SubscriptionShape = z.object({
  subscription_id: z.string(),
  status: z.string(),
  product_id: z.string(),
  addons: AddOns,
  customer: z.object({ customer_id: z.string() }),
  metadata: z.nullish(z.record(z.string(), z.unknown())),
  created_at: z.string(),
  previous_billing_date: z.string(),
  next_billing_date: z.string(),
  cancel_at_next_billing_date: z.boolean(),
  scheduled_change: z.nullish(z.object({ product_id: z.string(), addons: AddOns, effective_at: z.string() })),
});

/** Reads a subscription as Dodo's API shows it. Throws when it has not the shape that its SDK promises. */
export function readSubscriptionShape(answer: unknown): ObservedSubscription {
  const subscription = z.parse(SubscriptionShape, answer);
  const checkoutId = subscription.metadata?.[CHECKOUT_KEY];
  const scheduled = subscription.scheduled_change ?? null;
  return {
    id: subscription.subscription_id,
    status: subscription.status,
    productId: subscription.product_id,
    addOns: attached(subscription.addons),
    customerId: subscription.customer.customer_id,
    checkoutId: typeof checkoutId === 'string' ? (parseId<CheckoutId>('checkout', checkoutId) ?? null) : null,
    createdAtMs: wholeSecond(subscription.created_at),
    billing: {
      startMs: wholeSecond(subscription.previous_billing_date),
      endMs: wholeSecond(subscription.next_billing_date),
    },
    cancelAtPeriodEnd: subscription.cancel_at_next_billing_date,
    scheduledChange:
      scheduled === null
        ? null
        : {
            productId: scheduled.product_id,
            addOns: attached(scheduled.addons),
            effectiveAtMs: wholeSecond(scheduled.effective_at),
          },
  };
}

const attached = (addOns: z.output<typeof AddOns>): ObservedSubscription['addOns'] =>
  (addOns ?? []).map(({ addon_id, quantity }) => ({ addOnId: addon_id, quantity }));

/** A period is known by its beginning, which must not differ by how precisely it is told. */
function wholeSecond(text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new Error('a subscription of Dodo has a date that cannot be read');
  return Math.floor(ms / 1000) * 1000;
}
