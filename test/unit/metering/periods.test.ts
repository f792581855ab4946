import { expect, test } from 'vitest';
import { addDays, countDays, dayAt, parseDay } from '#core/metering/periods.ts';

test('a day begins at midnight UTC', () => {
  const midnight = Date.UTC(2026, 0, 1);
  expect(dayAt(midnight)).toBe('2026-01-01');
  expect(dayAt(midnight - 1)).toBe('2025-12-31');
});

test('a day that is not in the calendar is not a day', () => {
  expect(parseDay('2026-02-28')).toBe('2026-02-28');
  for (const text of ['2026-02-29', '2026-13-01', '2026-1-1', '1969-12-31', '2026-01-01T00', '', 'today']) {
    expect(parseDay(text)).toBeUndefined();
  }
});

test('days are counted over the end of a month and a leap day', () => {
  expect(addDays('2028-02-28', 2)).toBe('2028-03-01');
  expect(addDays('2028-03-01', -2)).toBe('2028-02-28');
  expect(countDays({ from: '2028-02-28', to: '2028-03-01' })).toBe(3);
});
