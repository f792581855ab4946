import type { DodoPayments } from 'dodopayments';
import type { PaymentOutcome } from './shop.ts';
import type { Customer, Payment } from './state.ts';

export type PaymentDetails = {
  readonly paymentId: string;
  readonly customer: Customer;
  readonly outcome: PaymentOutcome;
  /** Before tax, in minor units. */
  readonly amount: number;
  readonly currency: DodoPayments.Currency;
  readonly taxPercent: number;
  readonly sessionId: string | null;
  readonly subscriptionId: string | null;
  readonly cart: readonly { readonly product_id: string; readonly quantity: number }[] | null;
  readonly metadata: Payment['metadata'];
  /** When it is made; absent: now. */
  readonly atMs?: number;
};

export const BUSINESS_ID = 'bus_local';
export const BRAND_ID = 'bnd_local';

/** A payment as Dodo shows it, a card payment from the United States. */
export function newPayment(details: PaymentDetails): Payment {
  const { amount, currency, customer, outcome } = details;
  const tax = Math.round((amount * details.taxPercent) / 100);
  const atTime = new Date(details.atMs ?? Date.now()).toISOString();
  return {
    billing: { country: 'US' },
    brand_id: BRAND_ID,
    business_id: BUSINESS_ID,
    card_last_four: '4242',
    card_network: 'VISA',
    checkout_session_id: details.sessionId,
    created_at: atTime,
    currency,
    customer: { customer_id: customer.customer_id, email: customer.email, name: customer.name },
    digital_products_delivered: false,
    disputes: [],
    error_code: outcome === 'failed' ? 'CARD_DECLINED' : null,
    is_multi_subscription: false,
    is_update_payment_method: false,
    metadata: { ...details.metadata },
    payment_id: details.paymentId,
    payment_method: 'card',
    payment_provider: 'dodo',
    product_cart: details.cart === null ? null : details.cart.map((line) => ({ ...line })),
    refund_status: null,
    refunds: [],
    retry_attempt: 0,
    settlement_amount: amount + tax,
    settlement_currency: currency,
    status: outcome,
    subscription_id: details.subscriptionId,
    subscription_ids: details.subscriptionId === null ? [] : [details.subscriptionId],
    tax,
    total_amount: amount + tax,
    updated_at: atTime,
  };
}
