import { describe, expect, test } from 'vitest';
import { nextPeriodMs, periodAt, periodStartMs } from '#core/limits/windows.ts';

const at = (iso: string): number => Date.parse(iso);
const iso = (ms: number): string => new Date(ms).toISOString();

describe('days and months of a calendar', () => {
  test.each([
    // A day of 23 hours, of 25, and a day of 24 and a half.
    ['day', 'Europe/Berlin', '2026-03-29T10:00:00Z', '2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z'],
    ['day', 'Europe/Berlin', '2026-10-25T10:00:00Z', '2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z'],
    [
      'day',
      'Australia/Lord_Howe',
      '2026-04-05T00:00:00Z',
      '2026-04-04T13:00:00.000Z',
      '2026-04-05T13:30:00.000Z',
    ],
    // Leap day, and the month that has one.
    ['day', 'UTC', '2028-02-29T23:59:59.999Z', '2028-02-29T00:00:00.000Z', '2028-03-01T00:00:00.000Z'],
    [
      'month',
      'America/New_York',
      '2028-02-29T12:00:00Z',
      '2028-02-01T05:00:00.000Z',
      '2028-03-01T05:00:00.000Z',
    ],
    [
      'month',
      'America/New_York',
      '2026-11-30T12:00:00Z',
      '2026-11-01T04:00:00.000Z',
      '2026-12-01T05:00:00.000Z',
    ],
    [
      'month',
      'Pacific/Kiritimati',
      '2026-12-31T10:00:00Z',
      '2026-12-31T10:00:00.000Z',
      '2027-01-31T10:00:00.000Z',
    ],
  ] as const)('a %s in %s at %s begins and ends at midnight there', (kind, zone, now, start, next) => {
    expect(iso(periodStartMs(kind, zone, at(now)))).toBe(start);
    expect(iso(nextPeriodMs(kind, zone, at(now)))).toBe(next);
    expect(periodAt(kind, zone, at(next) - 1)).toBe(periodAt(kind, zone, at(now)));
  });
});
