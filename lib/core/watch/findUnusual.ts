import type { UsageRollup } from '#core/ledger/types.ts';
import type { KeyId } from '#core/shared/ids.ts';
import type { Finding, KeyHour } from './types.ts';

/** A day is a jump from this many calls on, when it has this many times those of the busiest day before. */
const JUMP_CALLS = 1_000;
const JUMP_TIMES = 5;
/** Fewer days of history say nothing of what is usual. */
const JUMP_DAYS = 3;

/** An hour is looked at for scraping when it has this many calls, in this many of its minutes. */
const SCRAPE_CALLS = 300;
const SCRAPE_MINUTES = 50;
/** Calls a minute of people vary as chance does (variance ÷ mean ≈ 1) or more; a clock's vary less. */
const SCRAPE_DISPERSION = 0.5;
/** Prompts that a program fills in differ little in length (standard deviation ÷ mean). */
const SCRAPE_VARIATION = 0.25;

/** A key is used from many networks when it is so from this many in an hour, and this many times those of other hours. */
const MANY_NETWORKS = 20;
const NETWORKS_TIMES = 3;

export type Observed = {
  /** The hour that is looked at. */
  readonly hour: string;
  /** The hours of the tenant's keys in the day before it, and it itself. */
  readonly hours: readonly KeyHour[];
  readonly today: string;
  /** The tenant's roll-ups of today and the days before. */
  readonly rollups: readonly UsageRollup[];
};

/** What is unusual in an hour against the tenant's own history. Rules and their reasons: README. */
export function findUnusual({ hour, hours, today, rollups }: Observed): readonly Finding[] {
  const now = hours.filter((one) => one.hour === hour);
  return [
    ...findJump(today, rollups),
    ...now.flatMap(findScraping),
    ...now.flatMap((one) =>
      findNetworks(
        one,
        hours.filter(({ keyId, hour: other }) => keyId === one.keyId && other !== hour),
      ),
    ),
  ];
}

function findJump(today: string, rollups: readonly UsageRollup[]): readonly Finding[] {
  const days = new Map<string, number>();
  const keys = new Map<KeyId, number>();
  for (const { day, keyId, calls } of rollups) {
    days.set(day, (days.get(day) ?? 0) + calls);
    if (day === today) keys.set(keyId, (keys.get(keyId) ?? 0) + calls);
  }
  const seen = days.get(today) ?? 0;
  days.delete(today);
  const usual = Math.max(0, ...days.values());
  const [busiest] = [...keys].sort(([, a], [, b]) => b - a);
  if (busiest === undefined || days.size < JUMP_DAYS) return [];
  if (seen < JUMP_CALLS || seen < usual * JUMP_TIMES) return [];
  return [{ kind: 'jump', keyId: busiest[0], seen, usual }];
}

function findScraping({ keyId, calls, perMinute, inputTokens, inputSquares }: KeyHour): readonly Finding[] {
  const counts = Object.values(perMinute);
  if (calls < SCRAPE_CALLS || counts.length < SCRAPE_MINUTES) return [];
  const mean = calls / counts.length;
  const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / counts.length;
  const length = inputTokens / calls;
  const lengthVariance = Math.max(0, inputSquares / calls - length ** 2);
  const isClockwork = variance / mean <= SCRAPE_DISPERSION;
  const isAlike = Math.sqrt(lengthVariance) <= length * SCRAPE_VARIATION;
  return isClockwork && isAlike ? [{ kind: 'scraping', keyId, seen: calls, usual: SCRAPE_CALLS }] : [];
}

function findNetworks({ keyId, networks }: KeyHour, others: readonly KeyHour[]): readonly Finding[] {
  const usual = Math.max(0, ...others.map((other) => other.networks.length));
  return networks.length >= MANY_NETWORKS && networks.length >= usual * NETWORKS_TIMES
    ? [{ kind: 'many_networks', keyId, seen: networks.length, usual }]
    : [];
}
