import { addDays, dayAt } from '#core/metering/periods.ts';

/** How many days a nightly run looks back: what comes late changes a day that was reconciled before. */
const DAYS_BACK = 3;

/** The last whole days of UTC, the oldest first. */
export const daysToReconcile = (nowMs: number): readonly string[] =>
  Array.from({ length: DAYS_BACK }, (_, index) => addDays(dayAt(nowMs), index - DAYS_BACK));
