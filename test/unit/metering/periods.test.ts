import { expect, test } from 'vitest';
import {
  addDays,
  dayOfEvent,
  daysBetween,
  hourOfEvent,
  parseDay,
  parseHour,
} from '#core/metering/periods.ts';

test('a call counts in the UTC day and hour in which it ended', () => {
  const endedAtMs = Date.UTC(2026, 0, 1, 0, 0, 0);
  expect(dayOfEvent({ endedAtMs })).toBe('2026-01-01');
  expect(hourOfEvent({ endedAtMs })).toBe('2026-01-01T00');
  expect(hourOfEvent({ endedAtMs: endedAtMs - 1 })).toBe('2025-12-31T23');
});

test('a day that is not in the calendar is not a day', () => {
  expect(parseDay('2026-02-28')).toBe('2026-02-28');
  for (const text of ['2026-02-29', '2026-13-01', '2026-1-1', '2026-01-01T00', '', 'today']) {
    expect(parseDay(text)).toBeUndefined();
  }
  expect(parseHour('2026-02-28T23')).toBe('2026-02-28T23');
  for (const text of ['2026-02-28T24', '2026-02-29T00', '2026-02-28'])
    expect(parseHour(text)).toBeUndefined();
});

test('days are counted over the end of a month and a leap day', () => {
  const day = parseDay('2028-02-28');
  if (day === undefined) throw new Error('a day of the calendar was not read');
  expect(addDays(day, 2)).toBe('2028-03-01');
  expect(daysBetween(day, addDays(day, 2))).toBe(2);
});
