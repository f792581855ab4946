import { localDay, localMonth } from '#core/pricing/localTime.ts';
import type { Counter } from './types.ts';

/** The window of requests and tokens: no more than the limit pass in any stretch of this length. */
export const WINDOW_MS = 60_000;

/**
 * What passed is counted by slots of this length, and a slot is forgotten only when all of it has left the window.
 * Shorter slots give back sooner and make the account's item larger: thirteen slots are the most that count at once.
 */
const SLOT_MS = 5_000;
const SLOT_RADIX = 36;

export const slotAt = (atMs: number): string => Math.floor(atMs / SLOT_MS).toString(SLOT_RADIX);

/** From when on a slot counts no more. */
export const slotEndsMs = (slot: string): number =>
  (Number.parseInt(slot, SLOT_RADIX) + 1) * SLOT_MS + WINDOW_MS;

const isPast = (slot: string, nowMs: number): boolean => slotEndsMs(slot) <= nowMs;

/** Slots that one write forgets; those beyond are forgotten by the next. */
const MAX_FORGOTTEN = 20;

/** The slots that have left the window, oldest first. */
export const pastSlots = (counter: Counter, nowMs: number): readonly string[] =>
  Object.keys(counter.at)
    .filter((slot) => isPast(slot, nowMs))
    .sort((a, b) => slotEndsMs(a) - slotEndsMs(b))
    .slice(0, MAX_FORGOTTEN);

/** The counter without the slots that have left the window. */
export function forgetPast(counter: Counter, nowMs: number): Counter {
  const at = { ...counter.at };
  let sum = counter.sum;
  for (const slot of pastSlots(counter, nowMs)) {
    sum -= at[slot] ?? 0;
    delete at[slot];
  }
  return { ...counter, sum, at };
}

/** The day or month of a moment, `2026-11-22` or `2026-11`, as a calendar of the time zone shows it. */
export const periodAt = (kind: 'day' | 'month', timeZone: string, atMs: number): string =>
  kind === 'day' ? localDay(timeZone, atMs) : localMonth(timeZone, atMs);

const DAY_MS = 86_400_000;
/** Longer than a day, and a month, of any calendar with any change of clocks. */
const LONGEST_MS = { day: 2 * DAY_MS, month: 32 * DAY_MS } as const;

/** When the next day or month begins: its first millisecond. */
export function nextPeriodMs(kind: 'day' | 'month', timeZone: string, nowMs: number): number {
  const now = periodAt(kind, timeZone, nowMs);
  return firstAfter(nowMs, nowMs + LONGEST_MS[kind], (atMs) => periodAt(kind, timeZone, atMs) > now);
}

/** When the day or month of a moment began. */
export function periodStartMs(kind: 'day' | 'month', timeZone: string, nowMs: number): number {
  const now = periodAt(kind, timeZone, nowMs);
  return firstAfter(nowMs - LONGEST_MS[kind], nowMs, (atMs) => periodAt(kind, timeZone, atMs) >= now);
}

/** The first moment after `lowMs` at which it is so, and from then on; `highMs` when it is not so before. */
function firstAfter(lowMs: number, highMs: number, isSo: (atMs: number) => boolean): number {
  let [low, high] = [lowMs, highMs];
  // Halves what is left: some thirty rounds.
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isSo(middle)) high = middle;
    else low = middle;
  }
  return high;
}
