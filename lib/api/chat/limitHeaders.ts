import type { Allowance, LimitStatus } from '#core/limits/types.ts';

/** Where the caller's limits stand, as OpenAI names it; nothing of what is not limited. */
export function limitHeaders(limits: LimitStatus | undefined): Readonly<Record<string, string>> {
  return {
    ...allowanceHeaders('requests', limits?.requests),
    ...allowanceHeaders('tokens', limits?.tokens),
  };
}

const allowanceHeaders = (name: string, allowance: Allowance | undefined): Record<string, string> =>
  allowance === undefined
    ? {}
    : {
        [`x-ratelimit-limit-${name}`]: String(allowance.max),
        [`x-ratelimit-remaining-${name}`]: String(allowance.left),
        [`x-ratelimit-reset-${name}`]: duration(allowance.resetMs),
      };

/** `1m4s`, `12s`: whole seconds, rounded up, as OpenAI's durations read. */
function duration(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
