/** A moment as a wall clock shows it: the weekday, 0 for Sunday, and the minutes after midnight. */
export type LocalTime = { readonly weekday: number; readonly minute: number };

const MINUTE_MS = 60_000;
/** No zone has changed its clocks within a quarter of an hour of UTC since 1972. */
const QUARTER_MS = 15 * MINUTE_MS;
const OFFSET = /GMT(?:([+-])(\d\d):(\d\d))?/;

type Zone = { readonly format: Intl.DateTimeFormat; quarter: number; offsetMs: number; day: string };

/** Looked up once for a zone and quarter of an hour: asking the calendar takes longer than rating. */
const known = new Map<string, Zone>();

/** The wall clock of an IANA time zone, daylight saving included. Throws RangeError on an unknown zone. */
export function localTime(timeZone: string, atMs: number): LocalTime {
  const local = new Date(atMs + zoneAt(timeZone, atMs).offsetMs);
  return { weekday: local.getUTCDay(), minute: local.getUTCHours() * 60 + local.getUTCMinutes() };
}

/** The day that a calendar of the zone shows, `2026-11-22`. Throws RangeError on an unknown zone. */
export const localDay = (timeZone: string, atMs: number): string => zoneAt(timeZone, atMs).day;

/** The month that a calendar of the zone shows, `2026-11`: months begin at its own midnight. Throws like localTime. */
export const localMonth = (timeZone: string, atMs: number): string => localDay(timeZone, atMs).slice(0, 7);

function zoneAt(timeZone: string, atMs: number): Zone {
  const quarter = Math.floor(atMs / QUARTER_MS);
  let zone = known.get(timeZone);
  if (zone === undefined) {
    const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
    zone = { format, quarter: Number.NaN, offsetMs: 0, day: '' };
    known.set(timeZone, zone);
  }
  if (zone.quarter !== quarter) {
    const [, sign, hours, minutes] = OFFSET.exec(zone.format.format(quarter * QUARTER_MS)) ?? [];
    zone.offsetMs = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * MINUTE_MS * (sign === '-' ? -1 : 1);
    // A day begins with a quarter of an hour, so that it is the same all through one.
    zone.day = new Date(quarter * QUARTER_MS + zone.offsetMs).toISOString().slice(0, 10);
    zone.quarter = quarter;
  }
  return zone;
}

export function isTimeZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return /^[A-Z]/.test(text); // not an offset such as +02:00, which knows no daylight saving
  } catch {
    return false;
  }
}
