import { NO_LIMIT } from './changeLimits.ts';
import { demandsOf } from './countHold.ts';
import type { AccountLimits, Allowance, LimitedUse, LimitStatus } from './types.ts';
import { forgetPast, slotEndsMs } from './windows.ts';

/** Where a caller's limits stand; of the tenant's and the key's the one with less left. */
export function limitStatus(limits: AccountLimits, use: LimitedUse): LimitStatus {
  const tightest: { requests?: Allowance; tokens?: Allowance } = {};
  let countsCalls = false;
  for (const { kind, counter, max } of demandsOf(limits, use)) {
    if (kind === 'calls') countsCalls = true;
    if ((kind !== 'requests' && kind !== 'tokens') || max >= NO_LIMIT) continue;
    const { sum, at } = forgetPast(counter, use.nowMs);
    const newest = Math.max(...Object.keys(at).map(slotEndsMs), use.nowMs);
    const left = Math.max(0, max - sum);
    const known = tightest[kind];
    if (known === undefined || left < known.left) tightest[kind] = { max, left, resetMs: newest - use.nowMs };
  }
  return { ...tightest, countsCalls };
}
