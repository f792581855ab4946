/** The longest that a timer of Node can wait, 24.8 days; SageMaker knows longer jobs. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Calls `act` when the time has come, at once when it is over, unless it is cancelled before. Keeps no process alive. */
export function atDeadline(deadlineMs: number, act: () => void): { readonly cancel: () => void } {
  let timer: NodeJS.Timeout;
  const wait = (): void => {
    const leftMs = deadlineMs - Date.now();
    const step = leftMs > MAX_TIMER_MS ? wait : act;
    timer = setTimeout(step, Math.min(MAX_TIMER_MS, Math.max(0, leftMs))).unref();
  };
  wait();
  return { cancel: () => clearTimeout(timer) };
}
