import { localTime } from './localTime.ts';
import type { PriceWindow } from './types.ts';

const DAY_MINUTES = 24 * 60;
const WEEK_MINUTES = 7 * DAY_MINUTES;
const WEEK_MS = WEEK_MINUTES * 60_000;
const WEEKS = 52;

/** A window, and one before it in the list that shares a minute with it. */
export type Overlap = { readonly at: number; readonly before: number };

/**
 * Windows that share a minute of some week in the year after a moment, each by its own clock: of two time zones one may
 * save daylight when the other does not.
 */
export function findOverlaps(windows: readonly PriceWindow[], fromMs: number): readonly Overlap[] {
  if (windows.length < 2) return [];
  const found = new Map<number, number>();
  const isOneZone = windows.every(({ timeZone }) => timeZone === windows[0]?.timeZone);
  for (let week = 0; week < (isOneZone ? 1 : WEEKS); week += 1) {
    const ownerOf = new Int32Array(WEEK_MINUTES).fill(-1);
    for (const [at, window] of windows.entries()) {
      for (const minute of minutesOf(window, fromMs + week * WEEK_MS)) {
        const owner = ownerOf[minute] ?? -1;
        if (owner < 0) ownerOf[minute] = at;
        else if (owner !== at && !found.has(at)) found.set(at, owner);
      }
    }
  }
  return [...found].map(([at, before]) => ({ at, before })).sort((a, b) => a.at - b.at);
}

/** The minutes of a week in UTC that a window covers, as far as its zone is ahead at a moment. */
function* minutesOf({ timeZone, days, fromMinute, untilMinute }: PriceWindow, atMs: number) {
  const ahead = minuteOfWeek(timeZone, atMs) - minuteOfWeek('UTC', atMs);
  const length = (untilMinute - fromMinute + DAY_MINUTES) % DAY_MINUTES;
  for (const day of days) {
    const first = day * DAY_MINUTES + fromMinute - ahead + 2 * WEEK_MINUTES;
    for (let n = 0; n < length; n += 1) yield (first + n) % WEEK_MINUTES;
  }
}

function minuteOfWeek(timeZone: string, atMs: number): number {
  const { weekday, minute } = localTime(timeZone, atMs);
  return weekday * DAY_MINUTES + minute;
}
