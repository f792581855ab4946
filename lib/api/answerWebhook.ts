import type { ErrorCode } from '#api/errors.ts';
import { type ApiRequest, type ApiResponse, refuse, respond } from '#api/http.ts';
import { type ReceiveDeps, type ReceiveRefused, receiveWebhook } from '#core/billing/receiveWebhook.ts';

export type WebhookDeps = ReceiveDeps & {
  /** For the log and the alarm: what was refused, and why. */
  readonly onRefused: (code: ReceiveRefused['code']) => void;
};

/** Answers `POST /webhooks/dodo`: 200 once the event is stored and handed on, so that Dodo stops sending it. */
export async function answerWebhook(deps: WebhookDeps, request: ApiRequest): Promise<ApiResponse> {
  const received = await receiveWebhook(deps, request);
  if (received.ok) return respond(200, { received: true });
  deps.onRefused(received.error.code);
  return refuse(REFUSALS[received.error.code]);
}

const unsigned = (message: string) => ({ code: 'invalid_signature', message }) as const;

const REFUSALS: Readonly<
  Record<ReceiveRefused['code'], { readonly code: ErrorCode; readonly message: string }>
> = {
  missing_header: unsigned('The headers webhook-id, webhook-timestamp and webhook-signature are all needed.'),
  wrong_signature: unsigned('The signature does not fit the body. Check the webhook secret on both sides.'),
  authentic_but_out_of_time: unsigned(
    'The timestamp is more than five minutes away. Check the clocks, then send the event again.',
  ),
  invalid_json: { code: 'invalid_json', message: 'The body is signed but is not JSON.' },
  invalid_event: { code: 'invalid_request', message: 'The body is signed but is no event: it has no type.' },
};
