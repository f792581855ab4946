import type { Result } from '#core/shared/result.ts';

/** Why a webhook was not taken. Only `authentic_but_out_of_time` is worth an alarm: it was really Dodo's. */
export type SignatureRefused = {
  readonly code: 'missing_header' | 'wrong_signature' | 'authentic_but_out_of_time';
};

/** Says whether the raw body was signed by Dodo within the tolerance. Header names are in lower case. */
export type WebhookVerifier = (
  body: string,
  headers: Readonly<Record<string, string>>,
) => Promise<Result<{ readonly webhookId: string }, SignatureRefused>>;
