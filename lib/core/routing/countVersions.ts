import { dayAt } from '#core/metering/periods.ts';
import type { UsageEvent } from '#core/metering/types.ts';
import type { VersionBook } from './ports.ts';
import type { CountedVersion, VersionCounts } from './types.ts';

/**
 * Counts settled calls by the version that answered, for models whose versions are being compared; one write for
 * each version of the batch. Rejects when one cannot be written: what it would have counted is lost.
 */
export async function countVersions(
  versions: Pick<VersionBook, 'add'>,
  settled: readonly UsageEvent[],
): Promise<void> {
  const groups = Map.groupBy(settled.filter(isCompared), (event) =>
    JSON.stringify([event.tenantId, event.model, dayAt(event.startedAtMs), event.version, event.servedBy]),
  );
  await Promise.all(
    [...groups.values()].flatMap(([first, ...others]) =>
      first === undefined
        ? []
        : versions.add(first.tenantId, first.model, {
            day: dayAt(first.startedAtMs),
            version: first.version,
            servedBy: first.servedBy,
            ...others.map(countsOf).reduce(addCounts, countsOf(first)),
          }),
    ),
  );
}

type Compared = UsageEvent & Required<Pick<UsageEvent, 'version' | 'servedBy' | 'rollout'>>;

const isCompared = (event: UsageEvent): event is Compared =>
  event.rollout !== undefined && event.version !== undefined && event.servedBy !== undefined;

const countsOf = (event: UsageEvent): VersionCounts => ({
  calls: 1,
  failedCalls: event.status === 'engine_failed' ? 1 : 0,
  inputTokens: event.inputTokens,
  outputTokens: event.outputTokens,
  computeMs: event.computeMs,
  firstTokens: event.timeToFirstTokenMs === null ? 0 : 1,
  firstTokenMs: event.timeToFirstTokenMs ?? 0,
  sameAnswers: 0,
});

/** Adds days up: one line for each version and way of serving. */
export function sumVersions(counted: readonly CountedVersion[]): readonly Omit<CountedVersion, 'day'>[] {
  const groups = Map.groupBy(counted, ({ version, servedBy }) => JSON.stringify([servedBy, version]));
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, [first, ...others]]) => {
      if (first === undefined) return [];
      const { version, servedBy } = first;
      return { version, servedBy, ...others.reduce<VersionCounts>(addCounts, first) };
    });
}

const addCounts = (a: VersionCounts, b: VersionCounts): VersionCounts => ({
  calls: a.calls + b.calls,
  failedCalls: a.failedCalls + b.failedCalls,
  inputTokens: a.inputTokens + b.inputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  computeMs: a.computeMs + b.computeMs,
  firstTokens: a.firstTokens + b.firstTokens,
  firstTokenMs: a.firstTokenMs + b.firstTokenMs,
  sameAnswers: a.sameAnswers + b.sameAnswers,
});
