import type { ApiError } from '#api/errors.ts';

const RETRY_AFTER_SECONDS = 1;

/** Errors that say "not now", by name: our drivers' own, past their retries, and what the SDK throws when AWS is busy. */
const TRANSIENT = new Set([
  'LedgerUnavailable',
  'DirectoryUnavailable',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
  'TransactionConflictException',
  'TransactionInProgressException',
]);

/** What the client is told of something that was thrown: that it may try again, or that the fault is ours. Never why. */
export function refusalOfThrown(thrown: unknown): ApiError {
  if (thrown instanceof Error && TRANSIENT.has(thrown.name)) {
    return {
      code: 'temporarily_unavailable',
      message: 'The service is busy. Nothing was changed; try again in a moment.',
      headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
    };
  }
  return {
    code: 'internal_error',
    message: 'Something failed on our side. If it happens again, tell us the x-request-id of this answer.',
  };
}
