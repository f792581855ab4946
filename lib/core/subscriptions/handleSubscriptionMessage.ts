import * as z from 'zod/mini';
import { type ApplyLicenceDeps, applyLicence, type LicenceOutcome } from './applyLicence.ts';
import { applySubscription } from './applySubscription.ts';
import type { SubscriptionRecord } from './types.ts';

const text = z.string();
const Message = z.union([
  z.object({
    type: text,
    subscriptionId: text,
    pastDueEndsAtMs: z.nullable(z.int()),
    readsPayments: z._default(z.boolean(), false),
  }),
  z.object({ type: text, licenceId: text, entitlementId: text, customerId: text }),
]);

/** Thrown for a message that the queue shall bring again; past its limit it goes to the dead-letter queue. */
export class SubscriptionPostponed extends Error {
  override readonly name = 'SubscriptionPostponed';
}

/** What became of a message, for the log: nothing in it is secret. A subscription that is null is none of our plans. */
export type SubscriptionReport = {
  readonly type: string;
  readonly needsAttention: boolean;
} & (
  | { readonly subscription: SubscriptionRecord | null }
  | { readonly licence: LicenceOutcome & { readonly id: string } }
);

/** Applies one message of the subscriptions queue. Throws `SubscriptionPostponed` when it is to come again. */
export async function handleSubscriptionMessage(
  deps: ApplyLicenceDeps,
  body: string,
): Promise<SubscriptionReport> {
  const message = readMessage(body);
  if ('subscriptionId' in message) {
    const applied = await applySubscription(deps.subscriptions, message);
    if (!applied.ok) throw new SubscriptionPostponed(`${message.subscriptionId}: ${applied.error.code}`);
    const subscription = applied.value;
    return { type: message.type, subscription, needsAttention: (subscription?.review.length ?? 0) > 0 };
  }
  const applied = await applyLicence(deps, message);
  if (!applied.ok) throw new SubscriptionPostponed(`${message.licenceId}: ${applied.error.code}`);
  const licence = { ...applied.value, id: message.licenceId };
  return { type: message.type, licence, needsAttention: licence.outcome === 'unmatched' };
}

function readMessage(body: string): z.output<typeof Message> {
  const parsed = z.safeParse(Message, parseJson(body));
  if (!parsed.success) throw new SubscriptionPostponed('the message was not written by us');
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
