const DAY_MS = 86_400_000;
const DAY_TEXT = /^(?:19[7-9]\d|[2-9]\d{3})-\d{2}-\d{2}$/;

/** Reads a day of UTC, `2026-03-01`; undefined when the text is not a day of the calendar. Days sort as texts do. */
export function parseDay(text: string): string | undefined {
  if (!DAY_TEXT.test(text)) return undefined;
  const atMs = startOf(text);
  return Number.isNaN(atMs) || dayAt(atMs) !== text ? undefined : text;
}

/** The UTC day of a moment. */
export const dayAt = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

/** The day `count` days later; earlier when negative. */
export const addDays = (day: string, count: number): string => dayAt(startOf(day) + count * DAY_MS);

/** How many days there are from one to another, both included. */
export const countDays = (range: { readonly from: string; readonly to: string }): number =>
  (startOf(range.to) - startOf(range.from)) / DAY_MS + 1;

const startOf = (day: string): number => Date.parse(`${day}T00:00:00Z`);
