import type { LimitReached, LimitStatus } from '#core/limits/types.ts';
import { formatCredits, type MicroCredits, micro } from '#core/shared/money.ts';
import type { InferenceRefused } from './types.ts';

/** What a refused call, or job, would have taken at most. */
export type AskedFor = { readonly quoteMicro: MicroCredits; readonly tokens: number };

/** What a client is told when a limit stops its call: which one, how much of it is left, and what to do. */
export function limitRefusal(
  refused: LimitReached & { readonly limits: LimitStatus },
  asked: AskedFor,
): InferenceRefused {
  const isCap = refused.kind === 'day' || refused.kind === 'month';
  const { retryAfterMs, limits } = refused;
  return {
    code: isCap ? 'spend_cap_reached' : 'rate_limit_exceeded',
    message: `${whatIsLimited(refused)} ${whatToDo(refused, asked)}`,
    param: null,
    limits,
    ...(retryAfterMs === undefined ? {} : { retryAfterSeconds: secondsOf(retryAfterMs) }),
  };
}

const secondsOf = (ms: number): number => Math.ceil(ms / 1_000);

function whatIsLimited({ scope, kind, max }: LimitReached): string {
  const who = scope === 'key' ? 'This API key' : 'This account';
  switch (kind) {
    case 'requests':
    case 'tokens':
      return `${who} may use ${max} ${kind} a minute.`;
    case 'calls':
      return `${who} may run ${max} calls at once.`;
    case 'day':
    case 'month':
      return `${who} may spend ${formatCredits(micro(max))} credits a ${kind}.`;
  }
}

function whatToDo({ kind, left, retryAfterMs }: LimitReached, { quoteMicro, tokens }: AskedFor): string {
  const wait = retryAfterMs === undefined ? 'It can never pass' : `Try again in ${secondsOf(retryAfterMs)} s`;
  switch (kind) {
    case 'requests':
    case 'calls':
      return `${wait}, or ask your provider for more.`;
    case 'tokens':
      return `This call may use up to ${tokens}, and ${left} are left. ${wait}; lower max_tokens or shorten the prompt.`;
    case 'day':
    case 'month':
      return `This may cost up to ${formatCredits(quoteMicro)}, and ${formatCredits(micro(left))} are left. ${wait}; ask for less, or your provider for more.`;
  }
}
