import { expect, test } from 'vitest';
import { endOfLocalMonth } from '#core/freeTier/endOfLocalMonth.ts';
import { localMonth } from '#core/pricing/localTime.ts';

test.each([
  ['UTC', '2026-11', '2026-12-01T00:00:00Z'],
  ['UTC', '2026-12', '2027-01-01T00:00:00Z'],
  // A leap year, a century that is none, and one that is.
  ['UTC', '2028-02', '2028-03-01T00:00:00Z'],
  ['Asia/Tokyo', '2028-02', '2028-02-29T15:00:00Z'],
  ['UTC', '2100-02', '2100-03-01T00:00:00Z'],
  ['Asia/Tokyo', '2100-02', '2100-02-28T15:00:00Z'],
  // Summer time begins or ends within the month.
  ['Europe/Berlin', '2026-02', '2026-02-28T23:00:00Z'],
  ['Europe/Berlin', '2026-03', '2026-03-31T22:00:00Z'],
  ['Europe/Berlin', '2026-10', '2026-10-31T23:00:00Z'],
  ['America/New_York', '2026-10', '2026-11-01T04:00:00Z'],
  ['America/New_York', '2026-11', '2026-12-01T05:00:00Z'],
  // Odd offsets, and the ends of the world.
  ['Asia/Kathmandu', '2026-10', '2026-10-31T18:15:00Z'],
  ['Pacific/Kiritimati', '2026-10', '2026-10-31T10:00:00Z'],
  ['Pacific/Pago_Pago', '2026-10', '2026-11-01T11:00:00Z'],
  // The clock goes from 23:59 to 01:00: this October has no midnight.
  ['America/Asuncion', '2023-09', '2023-10-01T04:00:00Z'],
  // The clock goes back over midnight: 31 March has 25 hours.
  ['America/Santiago', '2029-03', '2029-04-01T03:00:00Z'],
])('in %s the month %s ends at %s', (timeZone, month, moment) => {
  const end = endOfLocalMonth(timeZone, month);
  expect([localMonth(timeZone, end - 1), localMonth(timeZone, end) > month]).toEqual([month, true]);
  expect(new Date(end).toISOString()).toBe(new Date(moment).toISOString());
});
