/**
 * Whether an engine is called or let rest. Closed: calls go through, and failures in a row are counted. Open: calls
 * are refused until the rest is over. Half-open: one call is on its way to see whether the engine answers again.
 * `rests` counts the rests in a row, each longer than the one before.
 */
export type Breaker =
  | { readonly state: 'closed'; readonly failures: number; readonly rests: number }
  | { readonly state: 'open'; readonly untilMs: number; readonly rests: number }
  | { readonly state: 'half_open'; readonly rests: number };

/** Failures in a row after which an engine rests. */
export const MAX_FAILURES = 5;
const FIRST_REST_MS = 5_000;
const LONGEST_REST_MS = 60_000;
/** While a probe is on its way, nobody knows better. */
const PROBE_RETRY_SECONDS = 1;

export const CLOSED: Breaker = { state: 'closed', failures: 0, rests: 0 };

export type Admission =
  | { readonly admitted: true; readonly breaker: Breaker }
  | { readonly admitted: false; readonly retryAfterSeconds: number };

/** Whether a call may go to the engine now. After a rest, the first one that asks is the probe. */
export function admit(breaker: Breaker, nowMs: number): Admission {
  switch (breaker.state) {
    case 'closed':
      return { admitted: true, breaker };
    case 'open':
      return nowMs >= breaker.untilMs
        ? { admitted: true, breaker: { state: 'half_open', rests: breaker.rests } }
        : { admitted: false, retryAfterSeconds: Math.ceil((breaker.untilMs - nowMs) / 1000) };
    case 'half_open':
      return { admitted: false, retryAfterSeconds: PROBE_RETRY_SECONDS };
  }
}

/** The engine began to answer: a probe has shown enough to let others in, but one more failure closes the way again. */
export const answered = (breaker: Breaker): Breaker =>
  breaker.state === 'half_open'
    ? { state: 'closed', failures: MAX_FAILURES - 1, rests: breaker.rests }
    : breaker;

/** A call failed, before its first token or after it. Stragglers of before the rest change nothing. */
export function failed(breaker: Breaker, nowMs: number): Breaker {
  if (breaker.state === 'open') return breaker;
  const failures = breaker.state === 'closed' ? breaker.failures + 1 : MAX_FAILURES;
  if (failures < MAX_FAILURES) return { state: 'closed', failures, rests: breaker.rests };
  const restMs = Math.min(FIRST_REST_MS * 2 ** breaker.rests, LONGEST_REST_MS);
  return { state: 'open', untilMs: nowMs + restMs, rests: breaker.rests + 1 };
}

/** A call was given up by its caller before the engine answered: where it was the probe, the next one is. */
export const abandoned = (breaker: Breaker, nowMs: number): Breaker =>
  breaker.state === 'half_open' ? { state: 'open', untilMs: nowMs, rests: breaker.rests } : breaker;
