import type { Notice } from '#core/notices/types.ts';
import { isGivenUp } from './outage.ts';
import type { Adapter } from './types.ts';

/** One notice tells of all that began within such a time: an endpoint that is lost takes hundreds with it. */
const TOGETHER_MS = 15 * 60_000;
/** Whoever writes an outage may be a moment behind the clock that it bears. */
const LATE_MS = 60_000;
const NAMED = 5;

/**
 * What the agency should know of adapters that are out of service: that they are, and that some were given up. Ids
 * follow from the times alone, so that each run says the same; the outbox takes each once.
 */
export const outageNotices = (adapters: readonly Adapter[], nowMs: number): readonly Notice[] => [
  ...notices('adapters_out', adapters, nowMs, ({ outage }) => outage?.sinceMs),
  ...notices('adapters_given_up', adapters.filter(isGivenUp), nowMs, ({ statusAtMs }) => statusAtMs),
];

function notices(
  kind: 'adapters_out' | 'adapters_given_up',
  adapters: readonly Adapter[],
  nowMs: number,
  beganAtMs: (adapter: Adapter) => number | undefined,
): readonly Notice[] {
  const windows = new Map<number, Adapter[]>();
  for (const adapter of adapters) {
    const atMs = beganAtMs(adapter);
    if (atMs === undefined) continue;
    const window = Math.floor(atMs / TOGETHER_MS);
    if ((window + 1) * TOGETHER_MS + LATE_MS > nowMs) continue;
    windows.set(window, [...(windows.get(window) ?? []), adapter]);
  }
  return [...windows].map(([window, out]) => ({
    id: `${kind}/${window}`,
    to: 'agency',
    tenantId: null,
    content: {
      kind,
      adapters: out.length,
      named: out
        .slice(0, NAMED)
        .map(({ id, tenantId, outage }) => ({ id, tenantId, why: outage?.why ?? '' })),
    },
    createdAtMs: nowMs,
  }));
}
