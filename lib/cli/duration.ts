import { InvalidArgumentError } from 'commander';

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;
const DURATION = /^(\d{1,6})([smhd])$/;

/** Reads `90d`, `12h`, `30m` or `45s` as seconds. Throws what commander shows beside the option. */
export function parseDuration(text: string): number {
  const [, count, unit] = DURATION.exec(text) ?? [];
  if (count === undefined || (unit !== 's' && unit !== 'm' && unit !== 'h' && unit !== 'd')) {
    throw new InvalidArgumentError('Give a whole number and s, m, h or d, such as 90d or 12h.');
  }
  return Number(count) * SECONDS[unit];
}
