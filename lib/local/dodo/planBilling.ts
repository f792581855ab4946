import type { DodoPayments } from 'dodopayments';
import { addMonths } from '#core/subscriptions/usagePeriod.ts';
import { newPayment } from './newPayment.ts';
import { findProduct, found, type PaymentOutcome, type Shop } from './shop.ts';
import type { Payment, Subscription } from './state.ts';
import { unbilledUsage } from './usageEvents.ts';

const GRACE_MS = 7 * 86_400_000;
/** Payments that one turn of the clock may bring: ten years of months for each of a hundred subscriptions. */
const MAX_PAYMENTS = 12_000;

type Price = DodoPayments.Price;
type AddOn = Subscription['addons'][number];

const fixedPrice = (price: Price): number =>
  price.type === 'usage_based_price' ? price.fixed_price : price.price;

/** What a subscription to a product with add-ons costs each time, before tax and usage. */
export const recurringPrice = (
  shop: Shop,
  productId: string,
  quantity: number,
  addOns: readonly AddOn[],
): number =>
  fixedPrice(findProduct(shop, productId).price) * quantity +
  addOns.reduce(
    (sum, addOn) =>
      sum + found(shop.state.addOns[addOn.addon_id], 'add-on', addOn.addon_id).price * addOn.quantity,
    0,
  );

/** When the period ends that begins at a moment. */
export function periodEnd(price: Price, fromMs: number): number {
  if (price.type === 'one_time_price') throw new Error('a product that is paid once has no period');
  const { payment_frequency_count: count, payment_frequency_interval: unit } = price;
  switch (unit) {
    case 'Year':
      return addMonths(fromMs, 12 * count);
    case 'Month':
      return addMonths(fromMs, count);
    case 'Week':
      return fromMs + count * 7 * 86_400_000;
    case 'Day':
      return fromMs + count * 86_400_000;
  }
}

/** Moves the shop's clock on and charges whatever falls due on the way, in order of time. */
export function advanceClock(shop: Shop, toMs: number): void {
  for (let n = 0; n < MAX_PAYMENTS; n += 1) {
    const [due] = Object.values(shop.state.subscriptions)
      .filter((one) => nextMoment(shop, one) <= toMs)
      .sort((a, b) => nextMoment(shop, a) - nextMoment(shop, b));
    if (due === undefined) break;
    shop.setClock(nextMoment(shop, due));
    fallDue(shop, due);
  }
  shop.setClock(toMs);
}

function nextMoment(
  shop: Shop,
  { subscription_id, status, on_demand, next_billing_date }: Subscription,
): number {
  if (status === 'past_due') return Date.parse(shop.state.pastDueEnds[subscription_id] ?? '9999-01-01');
  if (status !== 'active' || on_demand) return Number.POSITIVE_INFINITY;
  return Date.parse(next_billing_date);
}

function fallDue(shop: Shop, subscription: Subscription): void {
  const { subscription_id: id } = subscription;
  if (subscription.status === 'past_due') {
    delete shop.state.pastDueEnds[id];
    move(shop, { ...subscription, status: 'on_hold' }, 'subscription.on_hold');
    return;
  }
  if (subscription.cancel_at_next_billing_date) {
    const cancelled_at = new Date(shop.now()).toISOString();
    move(shop, { ...subscription, status: 'cancelled', cancelled_at }, 'subscription.cancelled');
    return;
  }
  renew(shop, subscription, shop.nextCharges.shift() ?? 'succeeded');
}

/** Charges the next period and the usage of the one that ended; a payment that fails begins the grace. */
export function renew(shop: Shop, before: Subscription, outcome: PaymentOutcome): void {
  const changed = before.scheduled_change ?? null;
  const subscription: Subscription =
    changed === null
      ? before
      : {
          ...before,
          product_id: changed.product_id,
          quantity: changed.quantity,
          addons: changed.addons.map(({ addon_id, quantity }) => ({ addon_id, quantity })),
          scheduled_change: null,
        };
  const { product_id, quantity, addons } = subscription;
  const fixed = recurringPrice(shop, product_id, quantity, addons);
  const usage = unbilledUsage(shop, before);
  const payment = pay(shop, subscription, { outcome, amount: fixed + usage.amount });
  if (outcome !== 'succeeded') {
    shop.state.pastDueEnds[before.subscription_id] = new Date(shop.now() + GRACE_MS).toISOString();
    move(shop, { ...before, status: 'past_due' }, 'subscription.past_due');
    return;
  }
  for (const id of usage.eventIds) shop.state.billedEvents[id] = payment.payment_id;
  delete shop.state.pastDueEnds[before.subscription_id];
  const startMs = Math.max(Date.parse(before.next_billing_date), Date.parse(before.previous_billing_date));
  const next = {
    ...subscription,
    status: 'active' as const,
    recurring_pre_tax_amount: fixed,
    previous_billing_date: new Date(startMs).toISOString(),
    next_billing_date: new Date(periodEnd(findProduct(shop, product_id).price, startMs)).toISOString(),
  };
  move(shop, next, 'subscription.renewed');
  if (changed !== null) emit(shop, next, 'subscription.plan_changed');
  if (before.status !== 'active') emit(shop, next, 'subscription.active');
}

/** A payment of a subscription, made and announced. */
export function pay(
  shop: Shop,
  subscription: Subscription,
  { outcome, amount }: { readonly outcome: PaymentOutcome; readonly amount: number },
): Payment {
  const customerId = subscription.customer.customer_id;
  const payment = newPayment({
    paymentId: shop.newId('pay_'),
    customer: found(shop.state.customers[customerId], 'customer', customerId),
    outcome,
    amount,
    currency: subscription.currency,
    taxPercent: 0,
    sessionId: null,
    subscriptionId: subscription.subscription_id,
    cart: null,
    metadata: subscription.metadata,
    atMs: shop.now(),
  });
  shop.state.payments[payment.payment_id] = payment;
  shop.deliveries.emit(`payment.${outcome}`, { kind: 'payment', id: payment.payment_id });
  return payment;
}

type SubscriptionEvent = Extract<DodoPayments.WebhookEventType, `subscription.${string}`>;

/** Stores a subscription and announces it. */
export function move(shop: Shop, subscription: Subscription, event: SubscriptionEvent): void {
  shop.state.subscriptions[subscription.subscription_id] = subscription;
  shop.save();
  emit(shop, subscription, event);
}

const emit = (shop: Shop, { subscription_id: id }: Subscription, event: SubscriptionEvent): void =>
  shop.deliveries.emit(event, { kind: 'subscription', id });
