import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import type { SignatureRefused, WebhookVerifier } from '#core/billing/ports.ts';
import { err, ok } from '#core/shared/result.ts';

const TOLERANCE_SEC = 5 * 60;
const TIMESTAMP = /^\d{1,12}$/;

/**
 * Verifies Standard Webhooks signatures: HMAC-SHA256 over `id.timestamp.body`. Every secret that is listed is
 * accepted, so that a rotated one goes on working until it is taken off the list.
 * Source of the scheme: Standard Webhooks; the check itself is the `standardwebhooks` library.
 */
export function makeWebhookVerifier(
  readSecrets: () => Promise<readonly string[]>,
  clock: () => number,
): WebhookVerifier {
  return async (body, headers) => {
    const id = headers['webhook-id'];
    const timestamp = headers['webhook-timestamp'];
    const signature = headers['webhook-signature'];
    // Checked here because the Dodo SDK's `unwrap` skips the verification when it is given no headers.
    if (!id || !timestamp || !signature) return err({ code: 'missing_header' });
    if (!TIMESTAMP.test(timestamp)) return err({ code: 'wrong_signature' });

    const webhooks = (await readSecrets()).map((secret) => new Webhook(secret));
    const ageSec = Math.floor(clock() / 1000) - Number(timestamp);
    if (Math.abs(ageSec) > TOLERANCE_SEC) return err(outsideTolerance());
    const signed = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
    if (!webhooks.some((webhook) => isSigned(webhook, body, signed))) return err({ code: 'wrong_signature' });
    return ok({ webhookId: id });

    // An authentic event that comes too late means lost money, a forged one only noise: they must be told apart.
    function outsideTolerance(): SignatureRefused {
      const sentAt = new Date(Number(timestamp) * 1000);
      const given = signature?.split(' ') ?? [];
      const authentic = webhooks.some((webhook) => given.includes(webhook.sign(id ?? '', sentAt, body)));
      return { code: authentic ? 'authentic_but_out_of_time' : 'wrong_signature' };
    }
  };
}

function isSigned(webhook: Webhook, body: string, headers: Record<string, string>): boolean {
  try {
    webhook.verify(body, headers, { jsonParse: false });
    return true;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
}
