import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { localDay, localMonth, localTime } from '#core/pricing/localTime.ts';

/** Zones that save daylight, half of an hour of it, in Ramadan, or a whole day once, and some that do not. */
const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'Asia/Kathmandu',
  'Pacific/Apia',
  'Pacific/Kiritimati',
  'UTC',
];
const moments = fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2040, 0, 1) });
/** Around a change of the clocks, to the millisecond: Berlin and New York, forward and back, and Samoa's lost day. */
const changes = fc
  .tuple(
    fc.constantFrom('2026-03-29T01', '2026-10-25T01', '2026-03-08T07', '2026-11-01T06', '2011-12-30T10'),
    fc.integer({ min: -7_200_000, max: 7_200_000 }),
  )
  .map(([hour, off]) => Date.parse(`${hour}:00:00Z`) + off);

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** The same clock, spelt out by the calendar instead of worked out from its offset. */
function spelt(timeZone: string, atMs: number) {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    hourCycle: 'h23',
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  });
  const parts = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
  return {
    day: `${parts['year']}-${parts['month']}-${parts['day']}`,
    weekday: WEEKDAYS.indexOf(parts['weekday'] ?? ''),
    minute: Number(parts['hour']) * 60 + Number(parts['minute']),
  };
}

test.prop([fc.constantFrom(...ZONES), fc.oneof(moments, changes)])(
  'the clock of a zone shows what its calendar says, at any moment of forty years',
  (timeZone, atMs) => {
    const { day, ...time } = spelt(timeZone, atMs);
    expect(localTime(timeZone, atMs)).toEqual(time);
    expect(localDay(timeZone, atMs)).toBe(day);
    expect(localMonth(timeZone, atMs)).toBe(day.slice(0, 7));
  },
);
