import * as z from 'zod/mini';
import { readQuery } from '#api/edge/readBody.ts';
import { refuse, respond } from '#api/http.ts';
import type { PaymentRecord } from '#core/billing/types.ts';
import type { RouteHandler } from './dispatch.ts';
import { listBody, pageFields, pageOf, toSeconds } from './fields.ts';

const PaymentsQuery = z.strictObject({ ...pageFields, attention: z.optional(z.enum(['true', 'false'])) });

/** `GET /admin/payments?attention=&limit=&cursor=` → payments that need a person (the default), or all others; newest first. */
export const listPayments: RouteHandler = async ({ credits }, request) => {
  const query = readQuery(request, PaymentsQuery);
  if (!query.ok) return refuse(query.error);
  const { attention, ...page } = query.value;
  const needsAttention = attention !== 'false';
  const { payments, nextCursor } = await credits.store.listPayments({ ...pageOf(page), needsAttention });
  return respond(200, listBody(payments.map(paymentBody), nextCursor));
};

const paymentBody = (payment: PaymentRecord) => ({
  id: payment.id,
  object: 'payment',
  tenant: payment.tenantId,
  checkout: payment.checkoutId,
  outcome: payment.outcome,
  reason: payment.reason,
  review: payment.review,
  status: payment.status,
  total: { minor_units: payment.totalMinor, currency: payment.currency },
  refunded: { minor_units: payment.refundedMinor, currency: payment.currency },
  disputes: payment.disputeStatuses,
  created_at: toSeconds(payment.createdAtMs),
});
