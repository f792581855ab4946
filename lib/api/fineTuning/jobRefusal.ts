import type { ApiError } from '#api/errors.ts';
import { limitRefusal } from '#core/inference/limitRefusal.ts';
import { formatCredits } from '#core/shared/money.ts';
import type { JobRefused } from '#core/training/createJob.ts';
import { JOB_LIMITS } from '#core/training/limits.ts';

type NotHeld = Extract<JobRefused, { readonly code: 'not_held' }>;

const RETRY_AFTER_SECONDS = 60;

/** What a client is told when a job is not taken. */
export function jobRefusal(refused: JobRefused, topUpUrl: string): ApiError {
  switch (refused.code) {
    case 'unusable_file':
    case 'file_not_ready':
      return { code: 'invalid_request', message: refused.message, param: refused.param };
    case 'unknown_base_model':
      return {
        code: 'invalid_request',
        message: 'No base model of this name can be fine-tuned. GET /v1/models lists the models.',
        param: 'model',
      };
    case 'prices_not_in_force':
    case 'unpriced_model':
      return {
        code: refused.code,
        message:
          'Training of this model has no price for your account now. Nothing was charged; ask whoever gave you the key for one.',
        param: 'model',
      };
    case 'rank_too_high':
      return {
        code: 'invalid_request',
        message: `'lora_rank' must be at most ${refused.maxRank} here.`,
        param: 'hyperparameters.lora_rank',
      };
    case 'too_many_tokens':
      return {
        code: 'invalid_request',
        message: `A job trains on at most ${JOB_LIMITS.tokens} tokens, every epoch counted. Lower n_epochs, or split the file.`,
        param: 'hyperparameters.n_epochs',
      };
    case 'too_many_jobs':
      return {
        code: 'rate_limit_exceeded',
        message: `At most ${JOB_LIMITS.openJobsPerTenant} jobs may wait or run. Try again when some have ended.`,
        headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
      };
    case 'idempotency_key_reused':
      return {
        code: refused.code,
        message: 'This idempotency-key was used for another job. Use a new one for a new job.',
      };
    case 'request_in_progress':
      return {
        code: refused.code,
        message: 'Another request with this idempotency-key is at work, or died. Try again in a moment.',
        headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
      };
    case 'not_held':
      return holdRefusal(refused, topUpUrl);
    default:
      return refused satisfies never;
  }
}

function holdRefusal({ refused, amountMicro }: NotHeld, topUpUrl: string): ApiError {
  const cost = `This job may cost up to ${formatCredits(amountMicro)} credits`;
  switch (refused.code) {
    case 'insufficient_credits':
      return {
        code: 'insufficient_credits',
        message: `${cost}, and ${formatCredits(refused.availableMicro)} are available. Buy credits at top_up_url, or train fewer epochs.`,
        extra: { top_up_url: topUpUrl },
      };
    case 'account_not_found':
      return {
        code: 'insufficient_credits',
        message: `${cost}, and there are none. Buy credits at top_up_url.`,
        extra: { top_up_url: topUpUrl },
      };
    case 'account_suspended':
      return {
        code: 'account_suspended',
        message: 'This account is suspended. Contact your provider to resume it.',
      };
    case 'key_stopped':
      return { code: 'invalid_api_key', message: 'This API key was revoked. Use another one.' };
    case 'limit_reached': {
      const asked = { quoteMicro: amountMicro, tokens: 0 };
      const { code, message, retryAfterSeconds } = limitRefusal(refused, asked);
      const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
      return { code, message, headers };
    }
    case 'too_many_holds':
      return {
        code: 'rate_limit_exceeded',
        message: 'Too many calls of this account are running at once. Try again when some have ended.',
        headers: { 'retry-after': '1' },
      };
  }
}
