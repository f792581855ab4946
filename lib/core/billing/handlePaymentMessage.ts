import * as z from 'zod/mini';
import type { SubscriptionQueue } from '#core/subscriptions/ports.ts';
import { type ApplyDeps, applyPayment } from './applyPayment.ts';
import type { PaymentMessage, PaymentRecord } from './types.ts';

const Message = z.object({
  webhookId: z.string(),
  type: z.string(),
  paymentId: z.string(),
  status: z.nullable(z.string()),
  refundId: z.nullable(z.string()),
  disputeId: z.nullable(z.string()),
});

/** Thrown for a message that the queue shall bring again; past its limit it goes to the dead-letter queue. */
export class PaymentPostponed extends Error {
  override readonly name = 'PaymentPostponed';
  readonly code: string;
  constructor(code: string, detail: string) {
    super(`${code}: ${detail}`);
    this.code = code;
  }
}

/** What became of a message, for the log: nothing in it is secret. */
export type PaymentReport = {
  readonly message: PaymentMessage;
  readonly payment: PaymentRecord;
  /** A person should look at it: money came that matches no offer, or went back in a way we cannot settle. */
  readonly needsAttention: boolean;
};

export type HandlePaymentDeps = ApplyDeps & { readonly subscriptions: SubscriptionQueue };

/**
 * Applies one message of the payments queue. What came back of a subscription's payment is that subscription's
 * business, so it is handed on. Throws `PaymentPostponed` when the message is to come again.
 */
export async function handlePaymentMessage(deps: HandlePaymentDeps, body: string): Promise<PaymentReport> {
  const message = readMessage(body);
  const applied = await applyPayment(deps, message);
  if (!applied.ok) {
    const detail = 'detail' in applied.error ? applied.error.detail : message.paymentId;
    throw new PaymentPostponed(applied.error.code, detail);
  }
  const payment = applied.value;
  await handOn(deps, message, payment);
  return {
    message,
    payment,
    needsAttention: payment.outcome === 'unmatched' || payment.review.length > 0,
  };
}

async function handOn(
  { subscriptions }: HandlePaymentDeps,
  { webhookId, type }: PaymentMessage,
  { reason, subscriptionId, refundedMinor, disputeStatuses }: PaymentRecord,
): Promise<void> {
  if (reason !== 'subscription_payment' || subscriptionId === null) return;
  if (refundedMinor === 0 && disputeStatuses.length === 0) return;
  const seen = { subscriptionId, status: null, pastDueEndsAtMs: null, readsPayments: true };
  await subscriptions.send({ webhookId, type, ...seen });
}

function readMessage(body: string): PaymentMessage {
  const parsed = z.safeParse(Message, parseJson(body));
  if (!parsed.success) throw new PaymentPostponed('unreadable_message', 'it was not written by us');
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
