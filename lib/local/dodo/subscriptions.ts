import type { DodoPayments } from 'dodopayments';
import { HttpError } from './http.ts';
import { BRAND_ID, newPayment } from './newPayment.ts';
import { periodEnd, recurringPrice, renew } from './planBilling.ts';
import { findProduct, findSubscription, found, type PaymentOutcome, type Shop } from './shop.ts';
import type { Payment, Session, Subscription } from './state.ts';

/** The subscription that a paid checkout of a recurring product begins; undefined for one-time products. */
export function openSubscription(shop: Shop, session: Session): Subscription | undefined {
  const line = session.product_cart.find(
    ({ product_id }) => findProduct(shop, product_id).price.type !== 'one_time_price',
  );
  if (line === undefined) return undefined;
  const { price } = findProduct(shop, line.product_id);
  if (price.type === 'one_time_price') return undefined;
  const addons = (line.addons ?? []).map((addOn) => ({ ...addOn }));
  const customer = found(shop.state.customers[session.customer_id], 'customer', session.customer_id);
  const now = shop.now();
  const subscription: Subscription = {
    addons,
    billing: { country: 'US' },
    brand_id: BRAND_ID,
    cancel_at_next_billing_date: false,
    created_at: new Date(now).toISOString(),
    credit_entitlement_cart: [],
    currency: price.currency,
    customer: { customer_id: customer.customer_id, email: customer.email, name: customer.name },
    has_payment_method: true,
    metadata: { ...session.metadata },
    meter_credit_entitlement_cart: [],
    meters: [],
    next_billing_date: new Date(periodEnd(price, now)).toISOString(),
    on_demand: session.on_demand !== undefined,
    payment_frequency_count: price.payment_frequency_count,
    payment_frequency_interval: price.payment_frequency_interval,
    payment_method_id: shop.newId('pm_'),
    previous_billing_date: new Date(now).toISOString(),
    product_id: line.product_id,
    quantity: line.quantity,
    recurring_pre_tax_amount: recurringPrice(shop, line.product_id, line.quantity, addons),
    status: 'active',
    subscription_id: shop.newId('sub_'),
    subscription_period_count: price.subscription_period_count,
    subscription_period_interval: price.subscription_period_interval,
    tax_inclusive: false,
    trial_period_days: 0,
  };
  shop.state.subscriptions[subscription.subscription_id] = subscription;
  shop.save();
  const subject = { kind: 'subscription' as const, id: subscription.subscription_id };
  shop.deliveries.emit('subscription.active', subject);
  if (!subscription.on_demand) shop.deliveries.emit('subscription.renewed', subject);
  return subscription;
}

/** Another status, as the bank, the customer or a test brings it about. */
export function moveSubscription(
  shop: Shop,
  id: string,
  status: DodoPayments.SubscriptionStatus,
): Subscription {
  const before = findSubscription(shop, id);
  // Whoever pays what was owed begins the period that it was for.
  if (status === 'active' && (before.status === 'past_due' || before.status === 'on_hold')) {
    renew(shop, before, 'succeeded');
    return findSubscription(shop, id);
  }
  const subscription = { ...before, status };
  shop.state.subscriptions[id] = subscription;
  shop.save();
  const event = status === 'active' && before.status === 'paused' ? 'unpaused' : status;
  if (event !== 'pending') shop.deliveries.emit(`subscription.${event}`, { kind: 'subscription', id });
  return subscription;
}

/** The buyer gives another payment method. */
export function renewPaymentMethod(shop: Shop, id: string): Subscription {
  const subscription = { ...findSubscription(shop, id), payment_method_id: shop.newId('pm_') };
  shop.state.subscriptions[id] = subscription;
  shop.save();
  shop.deliveries.emit('subscription.update_payment_method', { kind: 'subscription', id });
  return subscription;
}

export type Charge = {
  readonly amount: number;
  readonly currency: DodoPayments.Currency | null;
  readonly metadata: Payment['metadata'] | null;
};

/**
 * Charges the payment method behind an on-demand subscription. Refused while a charge before it is open, as Dodo
 * does. What becomes of it is what `POST /_sim/charges` said of the next ones, else it succeeds.
 */
export function chargeSubscription(shop: Shop, id: string, charge: Charge): Payment {
  const subscription = findSubscription(shop, id);
  if (!subscription.on_demand) {
    throw new HttpError(422, 'SUBSCRIPTION_NOT_ON_DEMAND', 'only an on-demand subscription can be charged');
  }
  if (subscription.status !== 'active') {
    throw new HttpError(422, 'SUBSCRIPTION_NOT_ACTIVE', `the subscription is ${subscription.status}`);
  }
  const payments = Object.values(shop.state.payments).filter((payment) => payment.subscription_id === id);
  if (payments.some(({ status }) => status === 'processing')) {
    throw new HttpError(409, 'PREVIOUS_PAYMENT_PENDING', 'the payment before this one is still open');
  }
  const customerId = subscription.customer.customer_id;
  const outcome: PaymentOutcome = shop.nextCharges.shift() ?? 'succeeded';
  const payment = newPayment({
    paymentId: shop.newId('pay_'),
    customer: found(shop.state.customers[customerId], 'customer', customerId),
    outcome,
    amount: charge.amount,
    currency: charge.currency ?? subscription.currency,
    taxPercent: 0,
    sessionId: null,
    subscriptionId: id,
    cart: null,
    metadata: charge.metadata ?? subscription.metadata,
  });
  shop.state.payments[payment.payment_id] = payment;
  shop.save();
  shop.deliveries.emit(`payment.${outcome}`, { kind: 'payment', id: payment.payment_id });
  return payment;
}

/** A subscription as the list shows it. */
export const listedSubscription = (subscription: Subscription): DodoPayments.SubscriptionListResponse => ({
  billing: subscription.billing,
  cancel_at_next_billing_date: subscription.cancel_at_next_billing_date,
  created_at: subscription.created_at,
  currency: subscription.currency,
  customer: subscription.customer,
  discounts: [],
  has_payment_method: subscription.has_payment_method,
  metadata: subscription.metadata,
  next_billing_date: subscription.next_billing_date,
  on_demand: subscription.on_demand,
  payment_frequency_count: subscription.payment_frequency_count,
  payment_frequency_interval: subscription.payment_frequency_interval,
  previous_billing_date: subscription.previous_billing_date,
  product_id: subscription.product_id,
  quantity: subscription.quantity,
  recurring_pre_tax_amount: subscription.recurring_pre_tax_amount,
  status: subscription.status,
  subscription_id: subscription.subscription_id,
  subscription_period_count: subscription.subscription_period_count,
  subscription_period_interval: subscription.subscription_period_interval,
  tax_inclusive: subscription.tax_inclusive,
  trial_period_days: subscription.trial_period_days,
});
