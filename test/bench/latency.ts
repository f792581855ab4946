import type { CallTimes } from './calls.ts';
import { summarize, type Times } from './statistics.ts';

/** The same calls made both ways, in turns, so that whatever else the machine does falls on both alike. */
export type Compared = {
  readonly direct: { readonly firstToken: Times; readonly whole: Times };
  readonly through: { readonly firstToken: Times; readonly whole: Times };
};

/** About what is open at once where settlement follows within two seconds. */
const CALLS_BETWEEN = 16;

type Call = () => Promise<CallTimes>;

/**
 * Rounds of `concurrent` calls at once, direct and through in turns. `between` runs every `CALLS_BETWEEN` calls,
 * outside of what is timed.
 */
export async function compare(
  calls: { readonly direct: Call; readonly through: Call },
  options: {
    readonly concurrent: number;
    readonly rounds: number;
    readonly warmUp: number;
    readonly between: () => Promise<void>;
  },
): Promise<Compared> {
  const times: Record<'direct' | 'through', CallTimes[]> = { direct: [], through: [] };
  for (let round = -options.warmUp; round < options.rounds; round += 1) {
    for (const way of round % 2 === 0 ? (['direct', 'through'] as const) : (['through', 'direct'] as const)) {
      const taken = await Promise.all(Array.from({ length: options.concurrent }, () => calls[way]()));
      if (round >= 0) times[way].push(...taken);
    }
    if ((round * options.concurrent) % CALLS_BETWEEN === 0) await options.between();
  }
  const summary = (taken: readonly CallTimes[]) => ({
    firstToken: summarize(taken.map(({ firstTokenMs }) => firstTokenMs)),
    whole: summarize(taken.map(({ wholeMs }) => wholeMs)),
  });
  return { direct: summary(times.direct), through: summary(times.through) };
}
