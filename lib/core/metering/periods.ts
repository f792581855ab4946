import type { UsageEvent } from './types.ts';

declare const period: unique symbol;

/** A day of UTC, `2026-03-01`. Days sort as their texts do. */
export type UsageDay = string & { readonly [period]: 'day' };
/** An hour of UTC, `2026-03-01T07`. Hours sort as their texts do. */
export type UsageHour = string & { readonly [period]: 'hour' };

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const DAY_TEXT = /^\d{4}-\d{2}-\d{2}$/;
const HOUR_TEXT = /^\d{4}-\d{2}-\d{2}T\d{2}$/;

/** The hour that a call counts in: the one in which it ended, however late its event is settled. */
export const hourOfEvent = (event: Pick<UsageEvent, 'endedAtMs'>): UsageHour => hourAt(event.endedAtMs);

/** The day that a call counts in: the one in which it ended. */
export const dayOfEvent = (event: Pick<UsageEvent, 'endedAtMs'>): UsageDay => dayAt(event.endedAtMs);

export const dayAt = (atMs: number): UsageDay => new Date(atMs).toISOString().slice(0, 10) as UsageDay;

export const hourAt = (atMs: number): UsageHour => new Date(atMs).toISOString().slice(0, 13) as UsageHour;

export const dayOfHour = (hour: UsageHour): UsageDay => hour.slice(0, 10) as UsageDay;

/** Reads `2026-03-01`; undefined when the text is not a day of the calendar. */
export function parseDay(text: string): UsageDay | undefined {
  if (!DAY_TEXT.test(text)) return undefined;
  const atMs = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(atMs) || dayAt(atMs) !== text ? undefined : dayAt(atMs);
}

/** Reads `2026-03-01T07`; undefined when the text is not an hour of the calendar. */
export function parseHour(text: string): UsageHour | undefined {
  if (!HOUR_TEXT.test(text)) return undefined;
  const atMs = Date.parse(`${text}:00:00Z`);
  return Number.isNaN(atMs) || hourAt(atMs) !== text ? undefined : hourAt(atMs);
}

export const startOfDayMs = (day: UsageDay): number => Date.parse(`${day}T00:00:00Z`);
export const startOfHourMs = (hour: UsageHour): number => Date.parse(`${hour}:00:00Z`);
export const endOfHourMs = (hour: UsageHour): number => startOfHourMs(hour) + HOUR_MS;

/** The day `count` days later; earlier when negative. */
export const addDays = (day: UsageDay, count: number): UsageDay => dayAt(startOfDayMs(day) + count * DAY_MS);

/** How many days lie from `from` up to and without `to`. */
export const daysBetween = (from: UsageDay, to: UsageDay): number =>
  (startOfDayMs(to) - startOfDayMs(from)) / DAY_MS;
