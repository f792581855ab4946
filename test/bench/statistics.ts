/** Times of many runs, in milliseconds. */
export type Times = {
  readonly p50: number;
  readonly p99: number;
  readonly mean: number;
  readonly count: number;
};

/** Nearest-rank quantiles. Throws without a single time. */
export function summarize(times: readonly number[]): Times {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): number => {
    const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
    if (value === undefined) throw new Error('nothing was timed');
    return value;
  };
  const mean = sorted.reduce((sum, time) => sum + time, 0) / sorted.length;
  return { p50: at(0.5), p99: at(0.99), mean, count: sorted.length };
}

export async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  const startedMs = performance.now();
  const value = await work();
  return { value, ms: performance.now() - startedMs };
}
