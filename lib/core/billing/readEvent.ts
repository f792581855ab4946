import * as z from 'zod/mini';
import type { RefillMessage } from '#core/refill/ports.ts';
import { idSchema } from '#core/shared/idSchema.ts';
import type { TenantId } from '#core/shared/ids.ts';
import type { LicenceMessage } from '#core/subscriptions/licencePorts.ts';
import type { SubscriptionMessage } from '#core/subscriptions/types.ts';
import type { PaymentMessage } from './types.ts';

const text = z.catch(z.nullable(z.string()), null);

/** What ids and names look like. Anything else can neither be stored as a key nor be queued. */
const isName = (text: string): boolean => /^[\x21-\x7e]{1,255}$/.test(text);

/** What we read of an event. Everything else of it, known or not, is kept with the raw payload. */
const DataFields = z.object({
  payment_id: text,
  refund_id: text,
  dispute_id: text,
  subscription_id: text,
  entitlement_id: text,
  customer_id: text,
  id: text,
  status: text,
  dispute_status: text,
  past_due_ends_at: text,
});

/** A payment method that is kept for refills: an on-demand subscription. */
const OnDemand = z.object({ data: z.object({ on_demand: z.literal(true) }) });
const Mandate = z.object({
  data: z.object({
    on_demand: z.literal(true),
    metadata: z.object({ tenant_id: idSchema<TenantId>('tenant') }),
    customer: z.object({ customer_id: z.string() }),
  }),
});
type Data = z.output<typeof DataFields>;

const Event = z.object({
  type: z.string().check(z.minLength(1), z.maxLength(100)),
  data: z.catch(DataFields, () => z.parse(DataFields, {})),
});

export type WebhookEvent = {
  readonly type: string;
  /** What `applyPayment` shall look at; null when no payment is concerned. */
  readonly message: PaymentMessage | null;
  /** What `applySubscription` or `applyLicence` shall look at; null when neither is concerned. */
  readonly subscription: SubscriptionMessage | LicenceMessage | null;
  /** Whose payment method for refills is there, or is another one now; null when none is concerned. */
  readonly refill: RefillMessage | null;
};

/**
 * Reads the JSON of a signed webhook; undefined when it is no event at all, or one whose ids cannot be ids. An event
 * that concerns nothing of ours has no message: it is stored and acknowledged.
 */
export function readEvent(json: unknown, webhookId: string): WebhookEvent | undefined {
  const parsed = z.safeParse(Event, json);
  if (!parsed.success) return undefined;
  const { type, data } = parsed.data;
  if (!isName(webhookId) || !isName(type)) return undefined;
  const { past_due_ends_at: _, ...names } = data;
  const event = {
    type,
    message: paymentMessage(data, { webhookId, type }),
    subscription: isMandate(json)
      ? null
      : (subscriptionMessage(data, { webhookId, type }) ?? licenceMessage(data, { webhookId, type })),
    refill: refillMessage(json, type),
  };
  if (event.message === null && event.subscription === null) return event;
  return Object.values(names).every((name) => name === null || isName(name)) ? event : undefined;
}

/** A payment method is a subscription in Dodo's eyes, and none in ours. */
const isMandate = (json: unknown): boolean => z.safeParse(OnDemand, json).success;

const METHOD_GIVEN = /^subscription\.(active|update_payment_method)$/;

function refillMessage(json: unknown, type: string): RefillMessage | null {
  if (!METHOD_GIVEN.test(type)) return null;
  const event = z.safeParse(Mandate, json);
  if (!event.success) return null;
  const { metadata, customer } = event.data.data;
  return { tenantId: metadata.tenant_id, customerId: customer.customer_id };
}

type Head = { readonly webhookId: string; readonly type: string };

const isThere = (id: string | null): id is string => id !== null && id !== '';

function paymentMessage(data: Data, head: Head): PaymentMessage | null {
  if (!/^(payment|refund|dispute)\./.test(head.type) || !isThere(data.payment_id)) return null;
  return {
    ...head,
    paymentId: data.payment_id,
    status: data.status ?? data.dispute_status,
    refundId: data.refund_id,
    disputeId: data.dispute_id,
  };
}

function subscriptionMessage(data: Data, head: Head): SubscriptionMessage | null {
  if (!/^subscription\./.test(head.type) || !isThere(data.subscription_id)) return null;
  const graceEndsMs = Date.parse(data.past_due_ends_at ?? '');
  return {
    ...head,
    subscriptionId: data.subscription_id,
    status: data.status,
    pastDueEndsAtMs: Number.isNaN(graceEndsMs) ? null : graceEndsMs,
  };
}

function licenceMessage(data: Data, head: Head): LicenceMessage | null {
  if (!/^entitlement_grant\./.test(head.type)) return null;
  const { id, entitlement_id: entitlementId, customer_id: customerId } = data;
  if (!isThere(id) || !isThere(entitlementId) || !isThere(customerId)) return null;
  return { ...head, licenceId: id, entitlementId, customerId };
}
