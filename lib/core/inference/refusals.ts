import type { HoldRefused } from '#core/ledger/ports.ts';
import { formatCredits } from '#core/shared/money.ts';
import type { Suspension } from '#core/tenants/types.ts';
import { type AskedFor, limitRefusal } from './limitRefusal.ts';
import type { EngineRefused, IdempotencyRefused } from './ports.ts';
import type { InferenceRefused } from './types.ts';

const TOO_MANY_HOLDS_RETRY_SECONDS = 1;
const ENGINE_FAILED_RETRY_SECONDS = 2;

/** One answer for every key that is not good now: why is nobody's business who does not hold it. */
export const KEY_REFUSED: InferenceRefused = {
  code: 'invalid_api_key',
  message:
    'The API key is missing, wrong, expired or revoked. Send "Authorization: Bearer tg_…" with a key that works.',
  param: null,
};

export const ENGINE_FAILED: InferenceRefused = {
  code: 'engine_failed',
  message: 'The model failed before it answered. Nothing was charged; try again.',
  param: null,
  retryAfterSeconds: ENGINE_FAILED_RETRY_SECONDS,
};

export function engineRefusal(refused: EngineRefused): InferenceRefused {
  switch (refused.code) {
    case 'model_loading':
      return {
        ...refused,
        message: `The model is loading. Nothing was charged; try again in ${refused.retryAfterSeconds} seconds.`,
        param: null,
      };
    case 'engine_busy':
      return {
        code: 'temporarily_unavailable',
        message: `The model has more calls than it can take. Nothing was charged; try again in ${refused.retryAfterSeconds} seconds.`,
        param: null,
        retryAfterSeconds: refused.retryAfterSeconds,
      };
    case 'engine_resting':
      return {
        code: 'temporarily_unavailable',
        message: `The model failed several times in a row and is left alone for a moment. Nothing was charged; try again in ${refused.retryAfterSeconds} seconds.`,
        param: null,
        retryAfterSeconds: refused.retryAfterSeconds,
      };
    case 'engine_rejected':
      return refused;
    case 'engine_failed':
      return ENGINE_FAILED; // its own message is for the log
  }
}

export function claimRefusal(refused: IdempotencyRefused): InferenceRefused {
  switch (refused.code) {
    case 'request_in_progress':
      return {
        ...refused,
        message: 'The first request with this Idempotency-Key is still running. Try again shortly.',
        param: null,
      };
    case 'idempotency_key_reused':
      return {
        code: refused.code,
        message: 'This Idempotency-Key was used for another request. Use a new key for a new request.',
        param: null,
      };
    case 'answer_not_kept':
      return {
        code: 'conflict',
        message:
          'The first request with this Idempotency-Key was answered and charged; its answer was too large to keep. ' +
          'Use a new key to ask again.',
        param: null,
      };
  }
}

export function holdRefusal(
  refused: HoldRefused,
  asked: AskedFor,
  suspension?: Suspension,
): InferenceRefused {
  const cost = `This call may cost up to ${formatCredits(asked.quoteMicro)} credits`;
  switch (refused.code) {
    case 'insufficient_credits': {
      const available = formatCredits(refused.availableMicro);
      const message = `${cost}, and ${available} are available. Buy credits at top_up_url, or ask for fewer tokens.`;
      return { code: refused.code, message, param: null };
    }
    case 'account_not_found':
      return {
        code: 'insufficient_credits',
        message: `${cost}, and there are none. Buy credits at top_up_url.`,
        param: null,
      };
    case 'account_suspended':
      return {
        code: refused.code,
        message:
          suspension?.because === 'payment_overdue'
            ? 'This account is suspended: a payment of its subscription is overdue. Renew the payment method.'
            : 'This account is suspended. Contact your provider to resume it.',
        param: null,
        ...(suspension === undefined ? {} : { reason: suspension.because }),
      };
    case 'key_stopped':
      return KEY_REFUSED;
    case 'limit_reached':
      return limitRefusal(refused, asked);
    case 'too_many_holds':
      return {
        code: 'rate_limit_exceeded',
        message: 'Too many calls of this account are running at once. Try again when some have ended.',
        param: null,
        retryAfterSeconds: TOO_MANY_HOLDS_RETRY_SECONDS,
      };
  }
}
