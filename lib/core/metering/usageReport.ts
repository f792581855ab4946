import type { UsageRollup } from '#core/ledger/types.ts';
import { addMicro, type MicroCredits, ZERO } from '#core/shared/money.ts';

export const USAGE_DIMENSIONS = ['day', 'key', 'model'] as const;
/** What usage can be told apart by. */
export type UsageDimension = (typeof USAGE_DIMENSIONS)[number];

/** What was used, added up. */
export type UsageSum = {
  readonly calls: number;
  readonly failedCalls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly computeMs: number;
  readonly costMicro: MicroCredits;
};

/** One line of a report: the values it was grouped by, in the order of `UsageDimension`, and the sum. */
export type UsageGroup = {
  readonly by: Readonly<Partial<Record<UsageDimension, string>>>;
  readonly sum: UsageSum;
};

export type UsageReport = { readonly groups: readonly UsageGroup[]; readonly total: UsageSum };

/**
 * Adds roll-ups up by the dimensions given; with none there are no lines and the total says all. Lines come in
 * the order of their day, key and model, so that a page can go on where the last one ended.
 */
export function reportUsage(
  rollups: Iterable<UsageRollup>,
  dimensions: readonly UsageDimension[],
): UsageReport {
  const groups = new Map<string, UsageGroup>();
  let total = NOTHING;
  for (const rollup of rollups) {
    total = add(total, rollup);
    if (dimensions.length === 0) continue;
    const by = valuesOf(rollup, dimensions);
    const place = placeOf(by);
    groups.set(place, { by, sum: add(groups.get(place)?.sum ?? NOTHING, rollup) });
  }
  const sorted = [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
  return { groups: sorted, total };
}

/** At most `limit` lines after the place where the last page ended, and the place where this one does. */
export function pageOf(
  groups: readonly UsageGroup[],
  page: { readonly limit: number; readonly after?: string },
): { readonly groups: readonly UsageGroup[]; readonly next: string | null } {
  const { after } = page;
  const rest = after === undefined ? groups : groups.filter(({ by }) => placeOf(by) > after);
  const shown = rest.slice(0, page.limit);
  const last = shown.at(-1);
  return {
    groups: shown,
    next: last === undefined || shown.length === rest.length ? null : placeOf(last.by),
  };
}

const NOTHING: UsageSum = {
  calls: 0,
  failedCalls: 0,
  inputTokens: 0,
  outputTokens: 0,
  computeMs: 0,
  costMicro: ZERO,
};

const add = (a: UsageSum, b: UsageSum): UsageSum => ({
  calls: a.calls + b.calls,
  failedCalls: a.failedCalls + b.failedCalls,
  inputTokens: a.inputTokens + b.inputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  computeMs: a.computeMs + b.computeMs,
  costMicro: addMicro(a.costMicro, b.costMicro),
});

function valuesOf(
  { day, keyId, model }: UsageRollup,
  dimensions: readonly UsageDimension[],
): UsageGroup['by'] {
  const values: Record<UsageDimension, string> = { day, key: keyId, model };
  return Object.fromEntries(
    USAGE_DIMENSIONS.filter((name) => dimensions.includes(name)).map((name) => [name, values[name]]),
  );
}

/** A line's place in the order. Days and keys are of one length or end before `\n`, which none of them holds. */
const placeOf = (by: UsageGroup['by']): string => Object.values(by).join('\n');
