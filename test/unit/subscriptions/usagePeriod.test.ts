import { expect, test } from 'vitest';
import { addMonths, usagePeriodAt } from '#core/subscriptions/usagePeriod.ts';

const at = (text: string) => Date.parse(text);
const iso = (ms: number | undefined) =>
  ms === undefined ? undefined : new Date(ms).toISOString().slice(0, 16);

/** The months of a billing period, each found from its own middle. */
function monthsOf(from: string, to: string): readonly (readonly (string | undefined)[])[] {
  const billing = { startMs: at(from), endMs: at(to) };
  const months: (readonly (string | undefined)[])[] = [];
  for (let ms = billing.startMs; ms < billing.endMs; ) {
    const month = usagePeriodAt(billing, ms);
    months.push([iso(month?.startMs), iso(month?.endMs)]);
    ms = month?.endMs ?? billing.endMs;
  }
  return months;
}

test('a month that is paid by the month is the billing period, as long as Dodo makes it', () => {
  expect(monthsOf('2026-01-31T10:30Z', '2026-02-28T10:30Z')).toEqual([
    ['2026-01-31T10:30', '2026-02-28T10:30'],
  ]);
  expect(monthsOf('2026-03-01T00:00Z', '2026-04-02T00:00Z')).toHaveLength(1);
});

test('a year that begins on the last of a month has its months on the last day of each', () => {
  const months = monthsOf('2027-08-31T23:59Z', '2028-08-31T23:59Z');
  expect(months).toHaveLength(12);
  expect(months.map(([start]) => start)).toEqual([
    '2027-08-31T23:59',
    '2027-09-30T23:59',
    '2027-10-31T23:59',
    '2027-11-30T23:59',
    '2027-12-31T23:59',
    '2028-01-31T23:59',
    '2028-02-29T23:59',
    '2028-03-31T23:59',
    '2028-04-30T23:59',
    '2028-05-31T23:59',
    '2028-06-30T23:59',
    '2028-07-31T23:59',
  ]);
  expect(months.at(-1)?.[1]).toBe('2028-08-31T23:59');
});

test('a year that begins on a leap day ends with its twelfth month', () => {
  const months = monthsOf('2028-02-29T12:00Z', '2029-02-28T12:00Z');
  expect(months.map(([start]) => start?.slice(5, 10)).slice(0, 4)).toEqual([
    '02-29',
    '03-29',
    '04-29',
    '05-29',
  ]);
  expect(months.at(-1)).toEqual(['2029-01-29T12:00', '2029-02-28T12:00']);
});

test('months neither overlap nor leave a gap where clocks are put forward or back', () => {
  // Berlin: 29 March and 25 October 2026; the boundaries stay at the same time in UTC.
  const months = monthsOf('2026-03-29T00:30Z', '2027-03-29T00:30Z');
  expect(months).toHaveLength(12);
  for (const [index, [, end]] of months.entries()) {
    if (index < 11) expect(months[index + 1]?.[0]).toBe(end);
    expect(end?.slice(11)).toBe('00:30');
  }
});

test('a moment outside the billing period has no month', () => {
  const billing = { startMs: at('2026-01-01T00:00Z'), endMs: at('2026-02-01T00:00Z') };
  expect(usagePeriodAt(billing, billing.startMs - 1)).toBeUndefined();
  expect(usagePeriodAt(billing, billing.endMs)).toBeUndefined();
  expect(usagePeriodAt(billing, billing.endMs - 1)).toEqual(billing);
});

test('months are added to the day that was begun with, not to the one before', () => {
  const start = at('2026-01-31T00:00Z');
  expect(iso(addMonths(start, 1))).toBe('2026-02-28T00:00');
  expect(iso(addMonths(start, 2))).toBe('2026-03-31T00:00');
  expect(iso(addMonths(start, 25))).toBe('2028-02-29T00:00');
});
