import type { UsageRollup } from '#core/ledger/types.ts';
import type { KeyId } from '#core/shared/ids.ts';
import type { Finding, KeyHour } from './types.ts';
import type { WatchRules, WatchRulesInForce } from './watchRules.ts';

export type Observed = {
  /** The hour that is looked at. */
  readonly hour: string;
  /** The hours of the tenant's keys in the day before it, and it itself. */
  readonly hours: readonly KeyHour[];
  readonly today: string;
  /** The tenant's roll-ups of today and the days before. */
  readonly rollups: readonly UsageRollup[];
  readonly rules: WatchRulesInForce;
};

/** What is unusual in an hour against the tenant's own history, by its rules. */
export function findUnusual({ hour, hours, today, rollups, rules }: Observed): readonly Finding[] {
  const now = hours.filter((one) => one.hour === hour);
  const { jump, scraping, many_networks: networks } = rules;
  const othersOf = (one: KeyHour): readonly KeyHour[] =>
    hours.filter(({ keyId, hour: other }) => keyId === one.keyId && other !== hour);
  return [
    ...(jump === null ? [] : findJump(jump, today, rollups)),
    ...(scraping === null ? [] : now.flatMap((one) => findScraping(scraping, one))),
    ...(networks === null ? [] : now.flatMap((one) => findNetworks(networks, one, othersOf(one)))),
  ];
}

function findJump(
  rule: WatchRules['jump'],
  today: string,
  rollups: readonly UsageRollup[],
): readonly Finding[] {
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
  if (busiest === undefined || days.size < rule.days) return [];
  if (seen < rule.calls || seen < usual * rule.times) return [];
  return [{ kind: 'jump', keyId: busiest[0], seen, usual }];
}

function findScraping(
  rule: WatchRules['scraping'],
  { keyId, calls, perMinute, inputTokens, inputSquares }: KeyHour,
): readonly Finding[] {
  const counts = Object.values(perMinute);
  if (calls < rule.calls || counts.length < rule.minutes) return [];
  const mean = calls / counts.length;
  const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / counts.length;
  const length = inputTokens / calls;
  const lengthVariance = Math.max(0, inputSquares / calls - length ** 2);
  const isClockwork = variance / mean <= rule.variancePercent / 100;
  const isAlike = Math.sqrt(lengthVariance) <= (length * rule.lengthPercent) / 100;
  return isClockwork && isAlike ? [{ kind: 'scraping', keyId, seen: calls, usual: rule.calls }] : [];
}

function findNetworks(
  rule: WatchRules['many_networks'],
  { keyId, networks }: KeyHour,
  others: readonly KeyHour[],
): readonly Finding[] {
  const usual = Math.max(0, ...others.map((other) => other.networks.length));
  return networks.length >= rule.networks && networks.length >= usual * rule.times
    ? [{ kind: 'many_networks', keyId, seen: networks.length, usual }]
    : [];
}
