import { describe, expect, test } from 'vitest';
import { rateUsage } from '#core/pricing/rateUsage.ts';
import { bookWith, usedBy } from '#test/builders/prices.ts';

const NIGHT = 1;
const DAY = 10;
const windowed = (...windows: readonly object[]) =>
  bookWith({
    model: '*',
    perRequest: '0.00001',
    windows: windows.map((window) => ({ perRequest: '0.000001', ...window })),
  });
const priceAt = (book: ReturnType<typeof windowed>, time: string) => {
  const rated = rateUsage(book, usedBy({ startedAtMs: Date.parse(time) }));
  return rated.ok ? rated.value : undefined;
};

describe('a night from 22:00 to 06:00 in Berlin', () => {
  const book = windowed({ timeZone: 'Europe/Berlin', from: '22:00', until: '06:00' });
  test.each([
    ['in winter begins at 21:00 UTC', '2026-01-15T20:59:59.999Z', DAY],
    ['in winter has begun at 21:00 UTC', '2026-01-15T21:00:00Z', NIGHT],
    ['in winter ends at 05:00 UTC', '2026-01-16T05:00:00Z', DAY],
    ['in summer has begun at 20:00 UTC', '2026-07-15T20:00:00Z', NIGHT],
    ['in summer ends at 04:00 UTC', '2026-07-16T04:00:00Z', DAY],
    ['in summer is not over at 03:59 UTC', '2026-07-16T03:59:59.999Z', NIGHT],
    ['when clocks go forward ends at 04:00 UTC', '2026-03-29T03:59:59Z', NIGHT],
    ['when clocks go forward is over at 04:00 UTC', '2026-03-29T04:00:00Z', DAY],
    ['when clocks go back lasts until 05:00 UTC', '2026-10-25T04:59:59Z', NIGHT],
    ['when clocks go back is over at 05:00 UTC', '2026-10-25T05:00:00Z', DAY],
    ['on a leap day is like any other', '2028-02-29T22:30:00Z', NIGHT],
    ['runs over the end of a year', '2026-12-31T23:59:59.999Z', NIGHT],
  ])('%s', (_, time, price) => {
    expect(priceAt(book, time)).toBe(price);
  });
});

describe('an hour that daylight saving moves', () => {
  const book = windowed({ timeZone: 'America/New_York', from: '01:30', until: '02:30' });
  test('is charged twice where the clock shows it twice', () => {
    // 05:30Z is 01:30 summer time; 06:30Z is 01:30 again, of winter time, and the window ends at 07:30Z.
    const prices = ['05:30', '05:59', '06:00', '06:29', '06:30', '07:29', '07:30'].map((time) =>
      priceAt(book, `2026-11-01T${time}:00Z`),
    );
    expect(prices).toEqual([NIGHT, NIGHT, DAY, DAY, NIGHT, NIGHT, DAY]);
  });
  test('is shorter where the clock leaps over it', () => {
    // 06:59Z is 01:59; a minute later the clock shows 03:00.
    const prices = ['06:29', '06:30', '06:59', '07:00', '07:29'].map((time) =>
      priceAt(book, `2026-03-08T${time}:00Z`),
    );
    expect(prices).toEqual([DAY, NIGHT, NIGHT, DAY, DAY]);
  });
});

test('a zone that is half an hour off and saves half an hour keeps to its own clock', () => {
  const book = windowed({ timeZone: 'Australia/Lord_Howe', from: '09:00', until: '10:00' });
  expect(priceAt(book, '2026-01-15T22:00:00Z')).toBe(NIGHT); // +11:00 in summer
  expect(priceAt(book, '2026-07-15T22:00:00Z')).toBe(DAY); // +10:30 in winter
  expect(priceAt(book, '2026-07-15T22:30:00Z')).toBe(NIGHT);
});

test('an overnight window belongs to the weekday on which it begins', () => {
  const book = windowed({ timeZone: 'UTC', days: ['fri'], from: '22:00', until: '06:00' });
  expect(priceAt(book, '2026-11-20T23:00:00Z')).toBe(NIGHT); // a Friday
  expect(priceAt(book, '2026-11-21T05:59:00Z')).toBe(NIGHT);
  expect(priceAt(book, '2026-11-21T23:00:00Z')).toBe(DAY);
  expect(priceAt(book, '2026-11-20T05:00:00Z')).toBe(DAY);
});

test('the first window that the moment falls into counts, with the parts of the line that it leaves out', () => {
  const book = bookWith({
    model: '*',
    perRequest: '1',
    perMillionInputTokens: '3',
    windows: [
      { timeZone: 'UTC', from: '00:00', until: '12:00', perRequest: '0.5' },
      { timeZone: 'UTC', from: '06:00', until: '18:00', perRequest: '0.25' },
    ],
  });
  const at = (hour: number) =>
    rateUsage(book, usedBy({ inputTokens: 1_000_000, startedAtMs: Date.UTC(2026, 0, 1, hour) }));
  expect([7, 13, 20].map(at)).toEqual(
    [3_500_000, 3_250_000, 4_000_000].map((value) => ({ ok: true, value })),
  );
});
