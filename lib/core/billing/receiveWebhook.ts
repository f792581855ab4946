import type { RefillQueue } from '#core/refill/ports.ts';
import { isDeep } from '#core/shared/isDeep.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { Clock } from '#core/shared/world.ts';
import type { SubscriptionQueue } from '#core/subscriptions/ports.ts';
import type { BillingStore, PaymentQueue, SignatureRefused, WebhookVerifier } from './ports.ts';
import { readEvent } from './readEvent.ts';
import { withoutKeys } from './withoutKeys.ts';

export type ReceiveDeps = {
  readonly verify: WebhookVerifier;
  readonly store: Pick<BillingStore, 'recordWebhook' | 'markHandled'>;
  readonly queue: PaymentQueue;
  readonly subscriptions: SubscriptionQueue;
  readonly refills: RefillQueue;
  readonly sha256Hex: (text: string) => string;
  readonly clock: Clock;
};

const MAX_LEVELS = 64;

export type Received = {
  readonly webhookId: string;
  readonly type: string;
  /** `stored`: no payment is concerned, or the type is not known. `duplicate`: handled before, nothing changed. */
  readonly outcome: 'queued' | 'stored' | 'duplicate';
};

export type ReceiveRefused = SignatureRefused | { readonly code: 'invalid_json' | 'invalid_event' };

/**
 * Takes one webhook: verify, store, hand on. Each step may be the last before a crash: Dodo then sends it again,
 * and what is stored but not marked as handled is handed on once more, which changes nothing twice.
 * Errors: the signature's, invalid_json, invalid_event (both signed by Dodo and yet unreadable).
 */
export async function receiveWebhook(
  deps: ReceiveDeps,
  request: { readonly body: Uint8Array; readonly headers: Readonly<Record<string, string>> },
): Promise<Result<Received, ReceiveRefused>> {
  const body = decodeUtf8(request.body);
  if (body === undefined) return err({ code: 'wrong_signature' });
  const verified = await deps.verify(body, request.headers);
  if (!verified.ok) return verified;
  const { webhookId } = verified.value;

  const json = parseJson(body);
  if (json === undefined) return err({ code: 'invalid_json' });
  // What is that deep is no event of Dodo's, and no walk through it would come to an end.
  const event = isDeep(json.value, MAX_LEVELS) ? undefined : readEvent(json.value, webhookId);
  if (event === undefined) return err({ code: 'invalid_event' });

  const known = await deps.store.recordWebhook({
    id: webhookId,
    type: event.type,
    receivedAtMs: deps.clock(),
    payloadSha256: deps.sha256Hex(body),
    payload: withoutKeys(json.value, body),
    paymentId: event.message?.paymentId ?? null,
  });
  if (known === 'handled') return ok({ webhookId, type: event.type, outcome: 'duplicate' });
  if (event.message !== null) await deps.queue.send(event.message);
  if (event.subscription !== null) await deps.subscriptions.send(event.subscription);
  if (event.refill !== null) await deps.refills.send(event.refill);
  await deps.store.markHandled(webhookId, deps.clock());
  return ok({
    webhookId,
    type: event.type,
    outcome: [event.message, event.subscription, event.refill].every((part) => part === null)
      ? 'stored'
      : 'queued',
  });
}

// The signature is over the bytes. A lenient decoding would let two bodies pass for one, so only exact UTF-8 is read.
function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
