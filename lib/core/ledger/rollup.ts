import { addMicro, micro } from '#core/shared/money.ts';
import type { EntryDraft } from './change.ts';
import type { UsageRollup } from './types.ts';

/** Sums usage entries by day, key and model. Entries of other sources are passed over. */
export function rollUp(entries: readonly EntryDraft[]): readonly UsageRollup[] {
  const sums = new Map<string, UsageRollup>();
  for (const entry of entries) {
    const one = rollupOf(entry);
    if (one === undefined) continue;
    const key = rollupKey(one);
    const sum = sums.get(key);
    sums.set(key, sum === undefined ? one : addRollups(sum, one));
  }
  return [...sums.values()];
}

/** The roll-up of one entry; undefined when it is not of usage. */
export function rollupOf({
  usage,
  amountMicro,
  atMs,
}: Pick<EntryDraft, 'usage' | 'amountMicro' | 'atMs'>): UsageRollup | undefined {
  if (usage === undefined) return undefined;
  return {
    day: dayOf(atMs),
    keyId: usage.keyId,
    model: usage.model,
    calls: 1,
    failedCalls: usage.status === 'engine_failed' ? 1 : 0,
    inputTokens: usage.inputTokens,
    outputTokens: usage.outputTokens,
    computeMs: usage.computeMs,
    costMicro: micro(-amountMicro),
  };
}

/** Two roll-ups of the same day, key and model as one. */
export const addRollups = (a: UsageRollup, b: UsageRollup): UsageRollup => ({
  ...a,
  calls: a.calls + b.calls,
  failedCalls: a.failedCalls + b.failedCalls,
  inputTokens: a.inputTokens + b.inputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  computeMs: a.computeMs + b.computeMs,
  costMicro: addMicro(a.costMicro, b.costMicro),
});

export const rollupKey = (rollup: Pick<UsageRollup, 'day' | 'keyId' | 'model'>): string =>
  `${rollup.day}#${rollup.keyId}#${rollup.model}`;

/** The UTC day of a moment, `2026-11-22`. */
export const dayOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

/** The UTC hour of a moment, `2026-11-22T03`. */
export const hourOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 13);
