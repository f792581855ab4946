import type DodoPayments from 'dodopayments';
import * as z from 'zod/mini';
import type { PaymentProvider, SessionRequest } from '#core/billing/ports.ts';
import type { ObservedRefund } from '#core/billing/types.ts';
import { err } from '#core/shared/result.ts';
import { attempt } from './attempt.ts';
import { listRecent } from './listRecent.ts';
import { readPaymentShape } from './readPaymentShape.ts';

const SessionAnswer = z.object({ session_id: z.string(), checkout_url: z.string() });

/** Dodo Payments through its own SDK. */
export function makePaymentProvider(client: () => Promise<DodoPayments>): PaymentProvider {
  return {
    createCustomer: async ({ email, name, tenantId }) => {
      const dodo = await client();
      return attempt(async () => {
        const customer = await dodo.customers.create({ email, name, metadata: { tenant_id: tenantId } });
        return { customerId: customer.customer_id };
      });
    },
    createSession: async (request) => {
      const dodo = await client();
      return attempt(async () => {
        const session = z.parse(SessionAnswer, await dodo.checkoutSessions.create(sessionParams(request)));
        return { id: session.session_id, url: session.checkout_url };
      });
    },
    readPayment: async (paymentId) => {
      const dodo = await client();
      const read = await attempt(async () => {
        const payment = readPaymentShape(await dodo.payments.retrieve(paymentId));
        return { ...payment, refunds: await withAmounts(dodo, payment.refunds) };
      });
      if (read.ok) return read;
      if (read.error.code === 'payment_provider_refused') return err({ code: 'payment_not_found' });
      return err(read.error);
    },
    listRecent: async (since) => {
      const dodo = await client();
      const listed = await attempt(() => listRecent(dodo, since));
      // A list that is refused is a fault of our set-up: nothing is known, as when nobody answers.
      return listed.ok ? listed : err({ ...listed.error, code: 'payment_provider_unavailable' });
    },
  };
}

function sessionParams(request: SessionRequest): DodoPayments.CheckoutSessionCreateParams {
  const { checkoutId, customerId, productId, quantity, currency, returnUrl } = request;
  return {
    product_cart: [{ product_id: productId, quantity }],
    customer: { customer_id: customerId },
    metadata: { checkout_id: checkoutId },
    // A discount, another currency or another customer would make a payment that no longer fits our offer.
    feature_flags: {
      allow_discount_code: false,
      allow_currency_selection: false,
      allow_customer_editing_email: false,
    },
    ...(isCurrency(currency) ? { billing_currency: currency } : {}),
    ...(returnUrl === null ? {} : { return_url: returnUrl, cancel_url: returnUrl }),
  };
}

export const isCurrency = (text: string): text is DodoPayments.Currency => /^[A-Z]{3}$/.test(text);

/** The list in a payment may leave a partial refund's amount out; the refund itself has it. */
async function withAmounts(
  dodo: DodoPayments,
  refunds: readonly ObservedRefund[],
): Promise<readonly ObservedRefund[]> {
  return Promise.all(
    refunds.map(async (refund) => {
      if (refund.amountMinor !== null || refund.status !== 'succeeded') return refund;
      const { amount } = await dodo.refunds.retrieve(refund.id);
      return { ...refund, amountMinor: amount ?? null };
    }),
  );
}
