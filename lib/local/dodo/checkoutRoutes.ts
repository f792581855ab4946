import * as z from 'zod/mini';
import { checkoutPage } from './checkoutPage.ts';
import { parseFields, type StandInRequest, type StandInResponse, type StandInRoute } from './http.ts';
import { createSession } from './merchantApi.ts';
import { paySession } from './payments.ts';
import { findSession, type PaymentOutcome, type Shop } from './shop.ts';
import type { Session } from './state.ts';

const paySchema = z.object({
  status: z.optional(z.enum(['succeeded', 'failed', 'cancelled', 'processing'])),
  tax_percent: z.optional(z.number().check(z.gte(0), z.lte(100))),
});

/** What a buyer can do: look at a checkout, pay it, fail, leave, or follow a static payment link. No key is asked for. */
export function checkoutRoutes(shop: Shop): StandInRoute[] {
  const end = (
    outcome: PaymentOutcome,
  ): { readonly method: string; readonly handle: StandInRoute['handle'] } => ({
    method: 'POST',
    handle: (request) => endSession(shop, request, outcome),
  });
  return [
    {
      method: 'GET',
      path: '/checkout/:session',
      handle: ({ params: { session = '' } }) => ({
        status: 200,
        html: checkoutPage(shop, findSession(shop, session)),
      }),
    },
    { path: '/checkout/:session/pay', ...end('succeeded') },
    { path: '/checkout/:session/fail', ...end('failed') },
    { path: '/checkout/:session/cancel', ...end('cancelled') },
    { method: 'GET', path: '/buy/:product', handle: (request) => followStaticLink(shop, request) },
  ];
}

function endSession(shop: Shop, request: StandInRequest, outcome: PaymentOutcome): StandInResponse {
  const session = findSession(shop, request.params['session'] ?? '');
  const { status, tax_percent } = parseFields(paySchema, request);
  const payment = paySession(shop, session, status ?? outcome, tax_percent ?? 0);
  if (!request.wantsHtml) return { status: 200, json: payment };
  return { status: 303, location: afterwards(session, payment.payment_id, payment.status ?? '') };
}

/** Where Dodo sends the buyer: the shop's own address with the outcome, else the checkout page again. */
function afterwards(session: Session, paymentId: string, status: string): string {
  const target = status === 'cancelled' ? (session.cancel_url ?? session.return_url) : session.return_url;
  if (target === null) return `/checkout/${encodeURIComponent(session.id)}`;
  const url = new URL(target);
  url.searchParams.set('payment_id', paymentId);
  url.searchParams.set('status', status);
  return url.href;
}

/** A static link: anyone may open it, with any metadata. Which is why metadata proves nothing to the shop. */
function followStaticLink(shop: Shop, request: StandInRequest): StandInResponse {
  const query = request.url.searchParams;
  const metadata = Object.fromEntries(
    [...query].filter(([key]) => key.startsWith('metadata_')).map(([key, value]) => [key.slice(9), value]),
  );
  const session = createSession(shop, {
    product_cart: [
      { product_id: request.params['product'] ?? '', quantity: Number(query.get('quantity') ?? 1) },
    ],
    customer: { email: query.get('email') ?? 'guest@example.com' },
    metadata,
  });
  return { status: 303, location: `/checkout/${session.id}` };
}
