/** A stretch of time, from its beginning up to but without its end. */
export type Period = { readonly startMs: number; readonly endMs: number };

/** Months of a billing period that are looked through: more than any interval on sale has. */
const MAX_MONTHS = 36;
/** What is left of a billing period after its last whole month: Dodo's dates need not be ours to the second. */
const MIN_MONTH_MS = 20 * 86_400_000;

/**
 * The month of a billing period that a moment falls into: usage is included by the month, however long is paid for.
 * Months are counted from the period's beginning, in UTC, on the same day of each; where a month has no such day, on
 * its last. A remainder too short for a month belongs to the month before it. Undefined outside the period.
 */
export function usagePeriodAt(billing: Period, atMs: number): Period | undefined {
  if (atMs < billing.startMs || atMs >= billing.endMs) return undefined;
  let startMs = billing.startMs;
  for (let month = 1; month <= MAX_MONTHS; month += 1) {
    const nextMs = addMonths(billing.startMs, month);
    const endMs = billing.endMs - nextMs < MIN_MONTH_MS ? billing.endMs : nextMs;
    if (atMs < endMs) return { startMs, endMs };
    startMs = endMs;
  }
  return { startMs, endMs: billing.endMs };
}

/** The same time of day so many months later, on the last day of the month where it has no such day. */
export function addMonths(fromMs: number, months: number): number {
  const from = new Date(fromMs);
  const moved = new Date(fromMs);
  moved.setUTCDate(1);
  moved.setUTCMonth(from.getUTCMonth() + months);
  const lastDay = new Date(Date.UTC(moved.getUTCFullYear(), moved.getUTCMonth() + 1, 0)).getUTCDate();
  moved.setUTCDate(Math.min(from.getUTCDate(), lastDay));
  return moved.getTime();
}
