import type { Checkout, ObservedPayment } from '#core/billing/types.ts';
import type { CheckoutId, TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { NOON_MS, testId } from './ledger.ts';

const CHECKOUT_ID = testId<CheckoutId>('checkout', '1');

export const aCheckout = (over: Partial<Checkout> = {}): Checkout => ({
  id: CHECKOUT_ID,
  tenantId: testId<TenantId>('tenant', '1'),
  customerId: 'cus_1',
  pack: {
    id: 'pack-50',
    name: '50 credits',
    productId: 'pdt_50',
    priceMinor: 5000,
    currency: 'USD',
    creditsMicro: micro(50_000_000),
    expiresAfterDays: 365,
    note: null,
  },
  quantity: 1,
  returnUrl: null,
  idempotencyKey: null,
  createdAtMs: NOON_MS - 60_000,
  session: { id: 'cks_1', url: 'https://checkout.example/cks_1' },
  mandateId: null,
  paymentId: null,
  ...over,
});

/** A payment that fits `aCheckout`. */
export const aPayment = (over: Partial<ObservedPayment> = {}): ObservedPayment => ({
  id: 'pay_1',
  status: 'succeeded',
  totalMinor: 5000,
  taxMinor: 0,
  currency: 'USD',
  customerId: 'cus_1',
  createdAtMs: NOON_MS,
  isUpdatePaymentMethod: false,
  subscriptionId: null,
  sessionId: 'cks_1',
  checkoutId: CHECKOUT_ID,
  cart: [{ productId: 'pdt_50', quantity: 1 }],
  isFullyRefunded: false,
  refunds: [],
  disputes: [],
  ...over,
});
