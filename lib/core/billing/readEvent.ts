import * as z from 'zod/mini';
import type { PaymentMessage } from './types.ts';

const text = z.catch(z.nullable(z.string()), null);

/** What ids and names look like. Anything else can neither be stored as a key nor be queued. */
const isName = (text: string): boolean => /^[\x21-\x7e]{1,255}$/.test(text);

/** What we read of an event. Everything else of it, known or not, is kept with the raw payload. */
const Event = z.object({
  type: z.string().check(z.minLength(1), z.maxLength(100)),
  data: z.catch(
    z.object({
      payment_id: text,
      refund_id: text,
      dispute_id: text,
      status: text,
      dispute_status: text,
    }),
    { payment_id: null, refund_id: null, dispute_id: null, status: null, dispute_status: null },
  ),
});

/** Families of events that speak of one payment; every other one is stored and acknowledged. */
const PAYMENT_EVENT = /^(payment|refund|dispute)\./;

export type WebhookEvent = { readonly type: string; readonly message: PaymentMessage | null };

/**
 * Reads the JSON of a signed webhook; undefined when it is no event at all, or one whose ids cannot be ids.
 * `message` is null when no payment is concerned.
 */
export function readEvent(json: unknown, webhookId: string): WebhookEvent | undefined {
  const parsed = z.safeParse(Event, json);
  if (!parsed.success) return undefined;
  const { type, data } = parsed.data;
  if (!isName(webhookId) || !isName(type)) return undefined;
  if (data.payment_id === null || data.payment_id === '' || !PAYMENT_EVENT.test(type)) {
    return { type, message: null };
  }
  const told = [data.payment_id, data.refund_id, data.dispute_id, data.status, data.dispute_status];
  if (!told.every((text) => text === null || isName(text))) return undefined;
  return {
    type,
    message: {
      webhookId,
      type,
      paymentId: data.payment_id,
      status: data.status ?? data.dispute_status,
      refundId: data.refund_id,
      disputeId: data.dispute_id,
    },
  };
}
