const LOOK_EVERY_MS = 500;

/**
 * Calls back once when npm, which started this process, is gone: killed, it tells its children nothing. A process
 * that was started by hand may well outlive its shell, and is left alone.
 */
export function onNpmGone(gone: () => void): void {
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    gone();
  }, LOOK_EVERY_MS);
  timer.unref();
}
