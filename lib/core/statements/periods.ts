const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MONTH = /^(\d{4})-(0[1-9]|1[0-2])$/;

/** How much is sealed at once, where there is something to seal. */
const SLOT_MS = 6 * HOUR_MS;

/**
 * How long a stretch waits after its end. A call lasts fifteen minutes at most and its settlement is tried again for
 * another fifteen, so that only what stood in a dead-letter queue comes later.
 */
export const SEAL_DELAY_MS = HOUR_MS;

export type Period = { readonly fromMs: number; readonly toMs: number };

/** A month of UTC, `2026-11`, from its first moment to the next month's; undefined when the text is none. */
export function parseMonth(text: string): Period | undefined {
  const [, year = '', month = ''] = MONTH.exec(text) ?? [];
  if (year < '1970') return undefined;
  return { fromMs: Date.UTC(Number(year), Number(month) - 1), toMs: Date.UTC(Number(year), Number(month)) };
}

/** The UTC month of a moment. */
export const monthOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 7);

/** The first moment of the month after. */
export function nextMonthMs(atMs: number): number {
  const date = new Date(atMs);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}

/** Where a book that begins at this moment begins to be sealed. */
export const slotStart = (atMs: number): number => Math.floor(atMs / SLOT_MS) * SLOT_MS;

/** The stretch to seal next: up to the last slot that ended long enough ago, and never over midnight. */
export function nextPeriod(fromMs: number, nowMs: number): Period | undefined {
  const midnightMs = (Math.floor(fromMs / DAY_MS) + 1) * DAY_MS;
  const toMs = Math.min(slotStart(nowMs - SEAL_DELAY_MS), midnightMs);
  return toMs > fromMs ? { fromMs, toMs } : undefined;
}

/** The stretch to seal next when nothing is waited for: up to now, and never over midnight. */
export function periodUntilNow(fromMs: number, nowMs: number): Period | undefined {
  const midnightMs = (Math.floor(fromMs / DAY_MS) + 1) * DAY_MS;
  const toMs = Math.min(nowMs, midnightMs);
  return toMs > fromMs ? { fromMs, toMs } : undefined;
}

/** An idle stretch is left to the next run until its day is over: one seal a day is enough for nothing. */
export const endsDay = ({ toMs }: Period): boolean => toMs % DAY_MS === 0;
