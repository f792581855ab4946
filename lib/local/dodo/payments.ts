import type { DodoPayments } from 'dodopayments';
import { HttpError } from './http.ts';
import { BRAND_ID, BUSINESS_ID, newPayment } from './newPayment.ts';
import { recurringPrice } from './planBilling.ts';
import { findPayment, findProduct, found, type PaymentOutcome, type Shop } from './shop.ts';
import type { Customer, Dispute, Payment, Product, Refund, Session } from './state.ts';
import { openSubscription } from './subscriptions.ts';

const now = () => new Date().toISOString();

export function createCustomer(
  shop: Shop,
  input: Pick<Customer, 'email' | 'name'> & Partial<Customer>,
): Customer {
  const customer: Customer = {
    business_id: BUSINESS_ID,
    created_at: now(),
    customer_id: shop.newId('cus_'),
    email: input.email,
    name: input.name,
    metadata: input.metadata ?? {},
    phone_number: input.phone_number ?? null,
  };
  shop.state.customers[customer.customer_id] = customer;
  shop.save();
  return customer;
}

export function createProduct(
  shop: Shop,
  input: Pick<Product, 'price' | 'tax_category'> & { readonly name: string; readonly product_id?: string },
): Product {
  const product: Product = {
    brand_id: BRAND_ID,
    business_id: BUSINESS_ID,
    created_at: now(),
    updated_at: now(),
    credit_entitlements: [],
    entitlements: [],
    is_recurring: input.price.type === 'recurring_price',
    license_key_enabled: false,
    metadata: {},
    name: input.name,
    price: input.price,
    product_id: input.product_id ?? shop.newId('pdt_'),
    tax_category: input.tax_category,
  };
  shop.state.products[product.product_id] = product;
  shop.save();
  return product;
}

/** What a session's cart costs before tax, in minor units. */
export function sessionTotal(
  shop: Shop,
  session: Session,
): { readonly amount: number; readonly currency: DodoPayments.Currency } {
  let amount = 0;
  let currency: DodoPayments.Currency = 'USD';
  if (session.on_demand?.mandate_only === true) return { amount, currency };
  for (const line of session.product_cart) {
    const { price } = findProduct(shop, line.product_id);
    currency = price.currency;
    amount += recurringPrice(shop, line.product_id, line.quantity, line.addons ?? []);
  }
  return { amount, currency };
}

/** Ends a session with a payment. A session that is paid already answers with the payment that it has. */
export function paySession(
  shop: Shop,
  session: Session,
  outcome: PaymentOutcome,
  taxPercent: number,
): Payment {
  const existing = session.payment_id === null ? undefined : shop.state.payments[session.payment_id];
  if (existing?.status === 'succeeded') return existing;
  const paid =
    existing?.status === 'processing'
      ? { ...existing, status: outcome, updated_at: now() }
      : sessionPayment(shop, session, outcome, taxPercent);
  const subscription = outcome === 'succeeded' ? openSubscription(shop, session) : undefined;
  const payment =
    subscription === undefined
      ? paid
      : { ...paid, subscription_id: subscription.subscription_id, created_at: subscription.created_at };
  shop.state.payments[payment.payment_id] = payment;
  session.payment_id = payment.payment_id;
  shop.save();
  shop.deliveries.emit(`payment.${outcome}`, { kind: 'payment', id: payment.payment_id });
  return payment;
}

function sessionPayment(shop: Shop, session: Session, outcome: PaymentOutcome, taxPercent: number): Payment {
  return newPayment({
    paymentId: shop.newId('pay_'),
    customer: found(shop.state.customers[session.customer_id], 'customer', session.customer_id),
    outcome,
    ...sessionTotal(shop, session),
    taxPercent,
    sessionId: session.id,
    subscriptionId: null,
    cart: session.product_cart,
    metadata: session.metadata,
  });
}

/** Moves an open payment on, as the bank would. */
export function movePayment(shop: Shop, paymentId: string, outcome: PaymentOutcome): Payment {
  const payment = { ...findPayment(shop, paymentId), status: outcome, updated_at: now() };
  shop.state.payments[paymentId] = payment;
  shop.save();
  shop.deliveries.emit(`payment.${outcome}`, { kind: 'payment', id: paymentId });
  return payment;
}

export type RefundRequest = {
  readonly paymentId: string;
  /** Minor units; absent: all that is left. */
  readonly amount?: number;
  readonly reason?: string | null;
  readonly status?: Refund['status'];
};

const refundedOf = (payment: Payment): number =>
  payment.refunds
    .filter((r) => r.status === 'succeeded' || r.status === 'pending')
    .reduce((sum, r) => sum + (r.amount ?? 0), 0);

/** Refunds a payment in full or in part; more than is left of it is refused. */
export function createRefund(shop: Shop, request: RefundRequest): Refund {
  const payment = findPayment(shop, request.paymentId);
  const left = payment.total_amount - refundedOf(payment);
  const amount = request.amount ?? left;
  if (payment.status !== 'succeeded') {
    throw new HttpError(409, 'PAYMENT_NOT_SUCCEEDED', 'only a succeeded payment can be refunded');
  }
  if (amount <= 0 || amount > left) {
    throw new HttpError(422, 'INVALID_REFUND_AMOUNT', `${left} is left to refund, ${amount} was asked for`);
  }
  const status = request.status ?? 'succeeded';
  const refund: Refund = {
    amount,
    brand_id: BRAND_ID,
    business_id: BUSINESS_ID,
    created_at: now(),
    currency: payment.currency,
    customer: payment.customer,
    is_partial: amount < payment.total_amount,
    metadata: {},
    payment_id: payment.payment_id,
    reason: request.reason ?? null,
    refund_id: shop.newId('ref_'),
    status,
  };
  storeRefund(shop, payment, refund);
  return refund;
}

/** Moves a refund on, as the card networks would: pending → succeeded or failed. */
export function settleRefund(shop: Shop, refundId: string, status: Refund['status']): Refund {
  const refund = { ...found(shop.state.refunds[refundId], 'refund', refundId), status };
  storeRefund(shop, findPayment(shop, refund.payment_id), refund);
  return refund;
}

function storeRefund(shop: Shop, payment: Payment, refund: Refund): void {
  const { brand_id: _brand, customer: _customer, metadata: _metadata, ...item } = refund;
  const refunds = [...payment.refunds.filter((r) => r.refund_id !== refund.refund_id), item];
  const succeeded = refunds
    .filter((r) => r.status === 'succeeded')
    .reduce((sum, r) => sum + (r.amount ?? 0), 0);
  shop.state.refunds[refund.refund_id] = refund;
  shop.state.payments[payment.payment_id] = {
    ...payment,
    refunds,
    refund_status: succeeded === 0 ? null : succeeded === payment.total_amount ? 'full' : 'partial',
    updated_at: now(),
  };
  shop.save();
  if (refund.status === 'succeeded' || refund.status === 'failed') {
    shop.deliveries.emit(`refund.${refund.status}`, { kind: 'refund', id: refund.refund_id });
  }
}

export type DisputeOutcome = 'opened' | 'challenged' | 'won' | 'lost' | 'accepted' | 'cancelled' | 'expired';

/**
 * Opens a dispute over a payment, or moves one on to another status: the one named, else the payment's latest. Only
 * `opened` without a name always opens another.
 */
export function moveDispute(
  shop: Shop,
  paymentId: string,
  outcome: DisputeOutcome,
  disputeId: string | undefined,
): Dispute {
  const payment = findPayment(shop, paymentId);
  const meantId = disputeId ?? (outcome === 'opened' ? undefined : payment.disputes.at(-1)?.dispute_id);
  const known = meantId === undefined ? undefined : found(shop.state.disputes[meantId], 'dispute', meantId);
  const dispute: Dispute = {
    amount: String(payment.total_amount),
    brand_id: BRAND_ID,
    business_id: BUSINESS_ID,
    created_at: known?.created_at ?? now(),
    currency: payment.currency,
    customer: payment.customer,
    dispute_id: known?.dispute_id ?? shop.newId('dp_'),
    dispute_stage: 'dispute',
    dispute_status: `dispute_${outcome}`,
    payment_id: paymentId,
    payment_provider: 'dodo',
    reason: 'product_not_received',
  };
  const {
    brand_id: _brand,
    customer: _customer,
    payment_provider: _provider,
    reason: _reason,
    ...item
  } = dispute;
  shop.state.disputes[dispute.dispute_id] = dispute;
  shop.state.payments[paymentId] = {
    ...payment,
    disputes: [...payment.disputes.filter((d) => d.dispute_id !== dispute.dispute_id), item],
    updated_at: now(),
  };
  shop.save();
  shop.deliveries.emit(`dispute.${outcome}`, { kind: 'dispute', id: dispute.dispute_id });
  return dispute;
}
