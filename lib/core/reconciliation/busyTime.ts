const SECONDS_A_DAY = 86_400;
const SECONDS_AN_HOUR = 3_600;
const BITS = 8;

/** How long calls were at work on an endpoint on a day: calls at the same time count once. */
export type Busy = { readonly calls: number; readonly hours: number };

export type BusyTime = {
  readonly add: (endpoint: string, startedAtMs: number, forMs: number) => void;
  readonly of: (endpoint: string) => Busy;
  readonly endpoints: () => readonly string[];
};

/** Marks the seconds of one day in which calls ran, ten kilobytes for an endpoint however many calls there are. */
export function makeBusyTime(dayStartMs: number): BusyTime {
  const days = new Map<string, { calls: number; readonly seconds: Uint8Array }>();
  return {
    add: (endpoint, startedAtMs, forMs) => {
      const day = days.get(endpoint) ?? { calls: 0, seconds: new Uint8Array(SECONDS_A_DAY / BITS) };
      days.set(endpoint, day);
      day.calls += 1;
      const first = Math.max(0, Math.floor((startedAtMs - dayStartMs) / 1_000));
      const end = Math.min(SECONDS_A_DAY, Math.ceil((startedAtMs + forMs - dayStartMs) / 1_000));
      for (let second = first; second < end; second += 1) {
        const byte = Math.floor(second / BITS);
        day.seconds[byte] = (day.seconds[byte] ?? 0) | (1 << (second % BITS));
      }
    },
    of: (endpoint) => {
      const { calls, seconds } = days.get(endpoint) ?? { calls: 0, seconds: new Uint8Array() };
      return { calls, hours: seconds.reduce((sum, byte) => sum + bitsIn(byte), 0) / SECONDS_AN_HOUR };
    },
    endpoints: () => [...days.keys()].sort(),
  };
}

function bitsIn(byte: number): number {
  let count = 0;
  for (let rest = byte; rest > 0; rest >>= 1) count += rest & 1;
  return count;
}
