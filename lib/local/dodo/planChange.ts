import type { DodoPayments } from 'dodopayments';
import * as z from 'zod/mini';
import { HttpError } from './http.ts';
import { move, pay, periodEnd, recurringPrice } from './planBilling.ts';
import { findProduct, type Shop } from './shop.ts';
import type { Subscription } from './state.ts';

export const changeSchema = z.object({
  product_id: z.string(),
  quantity: z.int().check(z.gte(1)),
  proration_billing_mode: z.enum([
    'prorated_immediately',
    'full_immediately',
    'difference_immediately',
    'do_not_bill',
  ]),
  addons: z.nullish(z.array(z.object({ addon_id: z.string(), quantity: z.int().check(z.gte(1)) }))),
  effective_at: z.nullish(z.enum(['immediately', 'next_billing_date'])),
  on_payment_failure: z.nullish(z.enum(['prevent_change', 'apply_change'])),
  cancel_scheduled_change_plan: z.nullish(z.boolean()),
});
type Change = z.infer<typeof changeSchema>;

type Priced = {
  readonly next: Subscription;
  readonly chargeMinor: number;
  readonly creditMinor: number;
  readonly factor: number;
};

/** What a change costs now: the rest of the period at the new price, less the rest of it at the old one. */
function priceOf(shop: Shop, subscription: Subscription, change: Change): Priced {
  const price = findProduct(shop, change.product_id).price;
  if (price.type === 'one_time_price') throw new HttpError(422, 'NOT_RECURRING', 'the product is paid once');
  const addons = (change.addons ?? []).map((addOn) => ({ ...addOn }));
  const recurring = recurringPrice(shop, change.product_id, change.quantity, addons);
  const [fromMs, toMs] = [subscription.previous_billing_date, subscription.next_billing_date].map(Date.parse);
  const left = ((toMs ?? 0) - shop.now()) / ((toMs ?? 0) - (fromMs ?? 0));
  const factor = Math.min(1, Math.max(0, left));
  const isSameRhythm = subscription.payment_frequency_interval === price.payment_frequency_interval;
  const full = change.proration_billing_mode === 'full_immediately' || !isSameRhythm;
  const unused = Math.round(subscription.recurring_pre_tax_amount * factor);
  const net = full ? recurring - unused : Math.round(recurring * factor) - unused;
  return {
    factor,
    chargeMinor: Math.max(0, net),
    creditMinor: Math.max(0, -net),
    next: {
      ...subscription,
      product_id: change.product_id,
      quantity: change.quantity,
      addons,
      recurring_pre_tax_amount: recurring,
      payment_frequency_interval: price.payment_frequency_interval,
      payment_frequency_count: price.payment_frequency_count,
      scheduled_change: null,
      ...(full
        ? {
            previous_billing_date: new Date(shop.now()).toISOString(),
            next_billing_date: new Date(periodEnd(price, shop.now())).toISOString(),
          }
        : {}),
    },
  };
}

function requireOpen(subscription: Subscription, change: Change): void {
  if (subscription.status !== 'active') {
    throw new HttpError(422, 'SUBSCRIPTION_NOT_ACTIVE', `the subscription is ${subscription.status}`);
  }
  if (subscription.scheduled_change && change.cancel_scheduled_change_plan !== true) {
    throw new HttpError(409, 'SCHEDULED_CHANGE_EXISTS', 'another change waits for the next billing date');
  }
}

export function previewChange(
  shop: Shop,
  subscription: Subscription,
  change: Change,
): DodoPayments.SubscriptionPreviewChangePlanResponse {
  requireOpen(subscription, change);
  const { next, chargeMinor, creditMinor, factor } = priceOf(shop, subscription, change);
  const isLater = change.effective_at === 'next_billing_date';
  return {
    immediate_charge: {
      effective_at: isLater ? subscription.next_billing_date : new Date(shop.now()).toISOString(),
      line_items: [
        {
          id: next.product_id,
          currency: next.currency,
          product_id: next.product_id,
          proration_factor: factor,
          quantity: next.quantity,
          tax_inclusive: false,
          type: 'subscription',
          unit_price: next.recurring_pre_tax_amount,
        },
      ],
      summary: {
        currency: next.currency,
        customer_credits: isLater ? 0 : creditMinor,
        settlement_amount: isLater ? 0 : chargeMinor,
        settlement_currency: next.currency,
        total_amount: isLater ? 0 : chargeMinor,
        tax: 0,
      },
    },
    new_plan: next,
  };
}

/** Makes a change, or schedules it. A payment that fails leaves the plan as it was when that was asked for. */
export function changePlan(
  shop: Shop,
  subscription: Subscription,
  change: Change,
): DodoPayments.SubscriptionChangePlanResponse {
  requireOpen(subscription, change);
  const { next, chargeMinor } = priceOf(shop, subscription, change);
  if (change.effective_at === 'next_billing_date') {
    const scheduled_change = {
      id: shop.newId('spc_'),
      addons: next.addons.map((addOn) => ({ ...addOn, name: addOn.addon_id })),
      created_at: new Date(shop.now()).toISOString(),
      effective_at: subscription.next_billing_date,
      product_id: next.product_id,
      quantity: next.quantity,
    };
    move(shop, { ...subscription, scheduled_change }, 'subscription.updated');
    return {};
  }
  const outcome = shop.nextCharges.shift() ?? 'succeeded';
  const isBilled = chargeMinor > 0 && change.proration_billing_mode !== 'do_not_bill';
  const paymentId = isBilled ? pay(shop, subscription, { outcome, amount: chargeMinor }).payment_id : null;
  if (isBilled && outcome !== 'succeeded' && change.on_payment_failure === 'prevent_change') {
    throw new HttpError(422, 'PLAN_CHANGE_PAYMENT_FAILED', 'the payment failed; the plan stays as it is');
  }
  move(shop, next, 'subscription.plan_changed');
  return { payment_id: paymentId };
}
