import { localMonth } from '#core/pricing/localTime.ts';

/** Clocks are set in quarters of an hour: a month begins on one, wherever it begins. */
const QUARTER_MS = 15 * 60_000;
/** Zones lie from 12 hours behind UTC to 14 before it; clocks that are moved add one more. */
const FARTHEST_MS = 16 * 3_600_000;

/**
 * The first moment of the month after this one, by the calendar of the zone. Where clocks are moved over that
 * midnight it is the moment at which the calendar turns, whatever the clock then shows. Throws RangeError on an
 * unknown zone.
 */
export function endOfLocalMonth(timeZone: string, month: string): number {
  const year = Number(month.slice(0, 4));
  const following = Date.UTC(year, Number(month.slice(5)), 1); // months count from 0 there
  let before = following - FARTHEST_MS;
  let after = following + FARTHEST_MS;
  while (after - before > QUARTER_MS) {
    const middle = before + Math.floor((after - before) / 2 / QUARTER_MS) * QUARTER_MS;
    if (localMonth(timeZone, middle) > month) after = middle;
    else before = middle;
  }
  return after;
}
