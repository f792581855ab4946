import type { DodoPayments } from 'dodopayments';
import * as z from 'zod/mini';
import {
  HttpError,
  parseFields,
  type StandInRequest,
  type StandInResponse,
  type StandInRoute,
} from './http.ts';
import { page } from './page.ts';
import { createCustomer, createProduct, createRefund } from './payments.ts';
import { findPayment, findProduct, findSession, found, type Shop } from './shop.ts';
import type { Session } from './state.ts';

export const metadataSchema = z.nullish(
  z.record(z.string(), z.union([z.string().check(z.maxLength(500)), z.number(), z.boolean()])),
);
const customerSchema = z.object({
  email: z.string().check(z.regex(/^[^@\s]+@[^@\s]+$/)),
  name: z.string().check(z.minLength(1)),
  metadata: metadataSchema,
});
const addressSchema = z.nullish(z.string().check(z.refine((text) => URL.canParse(text))));
const sessionSchema = z.object({
  product_cart: z
    .array(
      z.object({
        product_id: z.string(),
        quantity: z.int().check(z.gte(1)),
        addons: z.nullish(z.array(z.object({ addon_id: z.string(), quantity: z.int().check(z.gte(1)) }))),
      }),
    )
    .check(z.minLength(1), z.maxLength(20)),
  customer: z.nullish(
    z.union([
      z.object({ customer_id: z.string() }),
      z.object({ email: z.string(), name: z.nullish(z.string()) }),
    ]),
  ),
  metadata: metadataSchema,
  return_url: addressSchema,
  cancel_url: addressSchema,
  subscription_data: z.nullish(z.object({ on_demand: z.nullish(z.object({ mandate_only: z.boolean() })) })),
});
const refundSchema = z.object({
  payment_id: z.string(),
  items: z.nullish(z.array(z.object({ item_id: z.string(), amount: z.nullish(z.int()) }))),
  reason: z.nullish(z.string()),
});
const productSchema = z.object({
  name: z.string(),
  tax_category: z.custom<DodoPayments.TaxCategory>((value) => typeof value === 'string'),
  price: z.custom<DodoPayments.Price>(
    (value) => typeof value === 'object' && value !== null && 'type' in value,
  ),
});

const json = (body: unknown, status = 200): StandInResponse => ({ status, json: body });

/** The part of Dodo's API that the product calls, answered in the SDK's own types. `baseUrl` is where checkouts are shown. */
export function merchantRoutes(shop: Shop, baseUrl: () => string): StandInRoute[] {
  const { state } = shop;
  return [
    {
      method: 'POST',
      path: '/customers',
      handle: (request) => {
        const { metadata, ...input } = parseFields(customerSchema, request);
        return json(createCustomer(shop, { ...input, metadata: textMetadata(metadata ?? {}) }));
      },
    },
    {
      method: 'GET',
      path: '/customers/:id',
      handle: ({ params: { id = '' } }) => json(found(state.customers[id], 'customer', id)),
    },
    {
      method: 'POST',
      path: '/checkouts',
      handle: (request) => {
        const session = createSession(shop, parseFields(sessionSchema, request));
        return json({
          session_id: session.id,
          checkout_url: `${baseUrl()}/checkout/${session.id}`,
        } satisfies DodoPayments.CheckoutSessionResponse);
      },
    },
    {
      method: 'GET',
      path: '/checkouts/:id',
      handle: ({ params: { id = '' } }) => json(sessionStatus(shop, findSession(shop, id))),
    },
    {
      method: 'GET',
      path: '/payments',
      handle: (request) =>
        json(page(request, Object.values(state.payments).filter(ofQuery(request)).map(listedPayment))),
    },
    {
      method: 'GET',
      path: '/payments/:id',
      handle: ({ params: { id = '' } }) => json(findPayment(shop, id)),
    },
    {
      method: 'GET',
      path: '/payments/:id/line-items',
      handle: ({ params: { id = '' } }) => json(lineItems(shop, id)),
    },
    {
      method: 'POST',
      path: '/refunds',
      handle: (request) => {
        const { payment_id, items, reason } = parseFields(refundSchema, request);
        const amounts = items?.map((item) => item.amount ?? itemAmount(shop, payment_id, item.item_id));
        return json(
          createRefund(shop, {
            paymentId: payment_id,
            reason: reason ?? null,
            ...(amounts === undefined ? {} : { amount: amounts.reduce((sum, amount) => sum + amount, 0) }),
          }),
        );
      },
    },
    {
      method: 'GET',
      path: '/refunds',
      handle: (request) => json(page(request, Object.values(state.refunds))),
    },
    {
      method: 'GET',
      path: '/refunds/:id',
      handle: ({ params: { id = '' } }) => json(found(state.refunds[id], 'refund', id)),
    },
    {
      method: 'GET',
      path: '/disputes',
      handle: (request) => json(page(request, Object.values(state.disputes))),
    },
    {
      method: 'GET',
      path: '/disputes/:id',
      handle: ({ params: { id = '' } }) => json(found(state.disputes[id], 'dispute', id)),
    },
    {
      method: 'POST',
      path: '/products',
      handle: (request) => json(createProduct(shop, parseFields(productSchema, request))),
    },
    {
      method: 'GET',
      path: '/products/:id',
      handle: ({ params: { id = '' } }) => json(findProduct(shop, id)),
    },
  ];
}

/** Opens a session after checking that its products and its customer exist. */
export function createSession(shop: Shop, input: z.infer<typeof sessionSchema>): Session {
  for (const line of input.product_cart) findProduct(shop, line.product_id);
  const session: Session = {
    id: shop.newId('cks_'),
    created_at: new Date().toISOString(),
    product_cart: input.product_cart,
    customer_id: sessionCustomer(shop, input.customer),
    metadata: input.metadata ?? {},
    return_url: input.return_url ?? null,
    cancel_url: input.cancel_url ?? null,
    ...(input.subscription_data?.on_demand ? { on_demand: input.subscription_data.on_demand } : {}),
    payment_id: null,
  };
  shop.state.sessions[session.id] = session;
  shop.save();
  return session;
}

function sessionCustomer(shop: Shop, customer: z.infer<typeof sessionSchema>['customer']): string {
  if (customer !== null && customer !== undefined && 'customer_id' in customer) {
    return found(shop.state.customers[customer.customer_id], 'customer', customer.customer_id).customer_id;
  }
  const email = customer?.email ?? 'guest@example.com';
  return createCustomer(shop, { email, name: customer?.name ?? email }).customer_id;
}

function sessionStatus(shop: Shop, session: Session): DodoPayments.CheckoutSessionStatus {
  const customer = shop.state.customers[session.customer_id];
  const payment = session.payment_id === null ? undefined : shop.state.payments[session.payment_id];
  return {
    id: session.id,
    created_at: session.created_at,
    customer_email: customer?.email ?? null,
    customer_name: customer?.name ?? null,
    payment_id: session.payment_id,
    payment_status: payment?.status ?? null,
  };
}

/** The payments of the customer and subscription that a query asks for. */
const ofQuery =
  ({ url }: StandInRequest) =>
  (payment: DodoPayments.Payment): boolean => {
    const customer = url.searchParams.get('customer_id') ?? payment.customer.customer_id;
    const subscription = url.searchParams.get('subscription_id') ?? payment.subscription_id;
    const since = Date.parse(url.searchParams.get('created_at_gte') ?? '1970-01-01');
    const status = url.searchParams.get('status') ?? payment.status;
    return (
      payment.customer.customer_id === customer &&
      payment.subscription_id === subscription &&
      payment.status === status &&
      Date.parse(payment.created_at) >= since
    );
  };

function listedPayment(payment: DodoPayments.Payment): DodoPayments.PaymentListResponse {
  return {
    brand_id: payment.brand_id,
    created_at: payment.created_at,
    currency: payment.currency,
    customer: payment.customer,
    digital_products_delivered: payment.digital_products_delivered,
    dispute_status: payment.disputes.at(-1)?.dispute_status ?? null,
    has_license_key: false,
    is_multi_subscription: payment.is_multi_subscription,
    metadata: payment.metadata,
    payment_id: payment.payment_id,
    payment_provider: payment.payment_provider,
    refund_status: payment.refund_status ?? null,
    status: payment.status ?? null,
    subscription_id: payment.subscription_id ?? null,
    subscription_ids: payment.subscription_ids,
    total_amount: payment.total_amount,
  };
}

function lineItems(shop: Shop, paymentId: string): DodoPayments.PaymentRetrieveLineItemsResponse {
  const payment = findPayment(shop, paymentId);
  const lines = payment.product_cart ?? [];
  return {
    currency: payment.currency,
    items: lines.map(({ product_id }) => ({
      amount: itemAmount(shop, paymentId, product_id),
      items_id: product_id,
      name: findProduct(shop, product_id).name ?? null,
      refundable_amount: itemAmount(shop, paymentId, product_id),
      tax: Math.round((payment.tax ?? 0) / lines.length),
    })),
  };
}

function itemAmount(shop: Shop, paymentId: string, productId: string): number {
  const line = findPayment(shop, paymentId).product_cart?.find((l) => l.product_id === productId);
  if (line === undefined) throw new HttpError(422, 'UNKNOWN_ITEM', `the payment has no item ${productId}`);
  const { price } = findProduct(shop, productId);
  return line.quantity * (price.type === 'usage_based_price' ? price.fixed_price : price.price);
}

function textMetadata(metadata: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, String(value)]));
}
