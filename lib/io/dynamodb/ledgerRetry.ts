import { LedgerUnavailable } from '#core/ledger/ports.ts';

/** With the pauses below about four seconds in all: longer than any contention of ten writers lasts. */
const MAX_ATTEMPTS = 24;
const FIRST_PAUSE_MS = 4;
const LONGEST_PAUSE_MS = 250;

/** What a driver needs of time and chance; tests pass their own. */
export type Patience = {
  readonly sleep: (ms: number) => Promise<void>;
  /** Uniform in [0, 1). */
  readonly random: () => number;
};

export const systemPatience: Patience = {
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  random: Math.random,
};

/** What one attempt answers when the book moved under it: read again and try again. */
export const MOVED = Symbol('the book moved');

/**
 * Runs an attempt until it answers something else than `MOVED`, and again after the database's transient refusals,
 * with full jitter between. Other errors pass through. Throws `LedgerUnavailable` past the limit.
 */
export async function withRetries<T>(
  patience: Patience,
  attempt: () => Promise<T | typeof MOVED>,
): Promise<T> {
  let last: unknown;
  for (let n = 0; n < MAX_ATTEMPTS; n++) {
    if (n > 0) await patience.sleep(patience.random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** n));
    try {
      const answer = await attempt();
      if (answer !== MOVED) return answer;
    } catch (error) {
      if (!isTransient(error)) throw error;
      last = error;
    }
  }
  throw new LedgerUnavailable(`the ledger did not settle down within ${MAX_ATTEMPTS} attempts`, {
    cause: last,
  });
}

const TRANSIENT_NAMES = new Set([
  'TransactionConflictException',
  'TransactionInProgressException',
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'RequestLimitExceeded',
  'InternalServerError',
  'ServiceUnavailable',
  'TimeoutError',
]);
const TRANSIENT_REASONS = new Set([
  'TransactionConflict',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
]);
const NETWORK_CODES = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT']);

/** Refusals that a later attempt may not meet. An answer that was lost counts too: every operation is safe to repeat. */
function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (TRANSIENT_NAMES.has(error.name)) return true;
  if ('code' in error && typeof error.code === 'string' && NETWORK_CODES.has(error.code)) return true;
  return cancellationCodes(error).some((code) => TRANSIENT_REASONS.has(code));
}

/** Why each item of a cancelled transaction was refused, in the order of the items; empty for any other error. */
export function cancellationCodes(error: unknown): readonly string[] {
  if (!(error instanceof Error) || error.name !== 'TransactionCanceledException') return [];
  const reasons = 'CancellationReasons' in error ? error.CancellationReasons : undefined;
  if (!Array.isArray(reasons)) return [];
  return reasons.map((reason: unknown) =>
    typeof reason === 'object' && reason !== null && 'Code' in reason && typeof reason.Code === 'string'
      ? reason.Code
      : 'None',
  );
}

/** Whether a plain write was refused by its own condition. */
export const isConditionFailed = (error: unknown): boolean =>
  error instanceof Error && error.name === 'ConditionalCheckFailedException';
