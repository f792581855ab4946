import { Webhook } from 'standardwebhooks';
import { parseNoticeUrl } from '#core/notices/parseNoticeUrl.ts';
import type { NoticeChannel } from '#core/notices/ports.ts';
import { err, ok } from '#core/shared/result.ts';
import type { Clock } from '#core/shared/world.ts';
import { noticeWebhookKey } from './noticeWebhookKey.ts';

const TIMEOUT_MS = 8_000;
const MAX_DETAIL = 200;
/** The receiver is gone for good. Source: Standard Webhooks. */
const GONE = 410;

export type WebhookChannelOptions = {
  /** The secrets that keys are made from, newest first: every message is signed by all of them. */
  readonly secrets: () => Promise<readonly string[]>;
  readonly allowLoopback: boolean;
  readonly clock: Clock;
};

/** Notices as Standard Webhooks: signed, their id in `webhook-id`. Redirections are not followed. */
export function makeWebhookChannel({ secrets, allowLoopback, clock }: WebhookChannelOptions): NoticeChannel {
  return async ({ notice, subject, text, address }) => {
    const refuse = (isFinal: boolean, detail: string) =>
      err({ code: 'notice_not_taken' as const, isFinal, detail: detail.slice(0, MAX_DETAIL) });
    const url = parseNoticeUrl(address, { allowLoopback });
    if (!url.ok) return refuse(true, `the address ${url.error.message}`);
    const { id, tenantId, content, createdAtMs } = notice;
    const body = JSON.stringify({
      type: `notice.${content.kind}`,
      timestamp: new Date(createdAtMs).toISOString(),
      data: { id, tenant: tenantId, subject, text },
    });
    const now = new Date(clock());
    const keys = (await secrets()).map((secret) => noticeWebhookKey(secret, tenantId));
    try {
      const response = await fetch(url.value, {
        method: 'POST',
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
        headers: {
          'content-type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
          'webhook-signature': keys.map((key) => new Webhook(key).sign(id, now, body)).join(' '),
        },
        body,
      });
      await response.body?.cancel();
      return response.ok ? ok(null) : refuse(response.status === GONE, `answered ${response.status}`);
    } catch (error) {
      return refuse(false, error instanceof Error ? error.message : String(error));
    }
  };
}
