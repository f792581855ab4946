/** A moment as a wall clock shows it: the weekday, 0 for Sunday, and the minutes after midnight. */
export type LocalTime = { readonly weekday: number; readonly minute: number };

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** No zone has changed its clocks within a quarter of an hour of UTC since 1972. */
const QUARTER_MS = 15 * MINUTE_MS;
const OFFSET = /GMT(?:([+-])(\d\d):(\d\d))?/;
/** The first of January 1970 was a Thursday. */
const FIRST_WEEKDAY = 4;
/** Ten years of days. What is beyond it begins anew. */
const MAX_KNOWN_DAYS = 3_660;

/** `offsets` by days of UTC: how far the zone is ahead all day long; null: it changes its clocks on that day. */
type Zone = { readonly format: Intl.DateTimeFormat; readonly offsets: Map<number, number | null> };

/** Asked once for a zone and day: the calendar takes longer to ask than a call to rate. */
const zones = new Map<string, Zone>();
/** Days since 1970 by name. */
const dayNames = new Map<number, string>();

/** The wall clock of an IANA time zone, daylight saving included. Throws RangeError on an unknown zone. */
export function localTime(timeZone: string, atMs: number): LocalTime {
  const localMs = atMs + offsetAt(timeZone, atMs);
  const day = Math.floor(localMs / DAY_MS);
  const minute = Math.floor((localMs - day * DAY_MS) / MINUTE_MS);
  return { weekday: (((day + FIRST_WEEKDAY) % 7) + 7) % 7, minute };
}

/** The day that a calendar of the zone shows, `2026-11-22`. Throws RangeError on an unknown zone. */
export function localDay(timeZone: string, atMs: number): string {
  const day = Math.floor((atMs + offsetAt(timeZone, atMs)) / DAY_MS);
  const name = dayNames.get(day) ?? new Date(day * DAY_MS).toISOString().slice(0, 10);
  keep(dayNames, day, name);
  return name;
}

/** The month that a calendar of the zone shows, `2026-11`: months begin at its own midnight. Throws like localTime. */
export const localMonth = (timeZone: string, atMs: number): string => localDay(timeZone, atMs).slice(0, 7);

/** How far a zone is ahead of UTC. */
function offsetAt(timeZone: string, atMs: number): number {
  const zone = zones.get(timeZone) ?? openZone(timeZone);
  const day = Math.floor(atMs / DAY_MS);
  let offset = zone.offsets.get(day);
  if (offset === undefined) {
    const [first, next] = [ask(zone, day * DAY_MS), ask(zone, (day + 1) * DAY_MS)];
    offset = first === next ? first : null;
    keep(zone.offsets, day, offset);
  }
  return offset ?? ask(zone, Math.floor(atMs / QUARTER_MS) * QUARTER_MS);
}

function openZone(timeZone: string): Zone {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
  const zone = { format, offsets: new Map<number, number | null>() };
  zones.set(timeZone, zone);
  return zone;
}

function ask({ format }: Zone, atMs: number): number {
  const [, sign, hours, minutes] = OFFSET.exec(format.format(atMs)) ?? [];
  return (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * MINUTE_MS * (sign === '-' ? -1 : 1);
}

function keep<V>(known: Map<number, V>, day: number, value: V): void {
  if (known.has(day)) return;
  if (known.size >= MAX_KNOWN_DAYS) known.clear();
  known.set(day, value);
}

export function isTimeZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return /^[A-Z]/.test(text); // not an offset such as +02:00, which knows no daylight saving
  } catch {
    return false;
  }
}
