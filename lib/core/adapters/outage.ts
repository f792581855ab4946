import { moveAdapter } from './moveAdapter.ts';
import type { Adapter, Outage } from './types.ts';

const MINUTE_MS = 60_000;
/** Pauses after each try to load an adapter anew; after the last try a person has to look. */
const BACK_OFF_MINUTES = [5, 20, 60, 240];

/** A deployed adapter that does not serve, on its way to be loaded anew; or one whose next try is due. */
export const loadAnew = (adapter: Adapter, nowMs: number, why: string): Adapter => ({
  ...moveAdapter(adapter, 'deploying', nowMs),
  outage: {
    sinceMs: adapter.outage?.sinceMs ?? nowMs,
    why,
    tries: (adapter.outage?.tries ?? 0) + 1,
    nextTryAtMs: null,
  },
});

/** An adapter that could not be brought into service; where it was in service before, it is tried again. */
export function failedToLoad(adapter: Adapter, nowMs: number, statusDetails: string): Adapter {
  const failed = moveAdapter(adapter, 'failed', nowMs, { statusDetails });
  if (adapter.outage === undefined) return failed;
  const pause = BACK_OFF_MINUTES[adapter.outage.tries - 1];
  const nextTryAtMs = pause === undefined ? null : nowMs + pause * MINUTE_MS;
  return { ...failed, outage: { ...adapter.outage, nextTryAtMs } };
}

/** The outage whose next try is due. */
export const dueOutage = ({ status, outage }: Adapter, nowMs: number): Outage | undefined =>
  status === 'failed' && outage?.nextTryAtMs != null && outage.nextTryAtMs <= nowMs ? outage : undefined;

/** It was tried as often as it is by itself. */
export const isGivenUp = ({ status, outage }: Adapter): boolean =>
  status === 'failed' && outage?.nextTryAtMs === null;
