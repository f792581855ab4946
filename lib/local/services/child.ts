import { type ChildProcess, spawn } from 'node:child_process';

/** A program that the local runtime started and will end. */
export type ChildService = {
  readonly url: string;
  readonly process: ChildProcess;
  /** SIGTERM, then SIGKILL when that does not end it; resolves when the process is gone. */
  readonly stop: () => Promise<void>;
};

const KILL_AFTER_MS = 3_000;

/** Starts a program whose output the log keeps; `onLine` sees each line of it. Throws when it cannot be started. */
export function startChild(options: {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly onLine?: (line: string) => void;
  /** Ends it with SIGTERM when aborted. */
  readonly signal?: AbortSignal;
}): ChildProcess {
  const child = spawn(options.command, options.args, {
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C in a terminal reaches the parent alone, which ends the others in order.
    detached: true,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  child.on('error', () => undefined); // whoever waits for it hears of it; an aborted one needs nobody
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) options.onLine?.(line);
    });
  }
  return child;
}

/** SIGTERM, and SIGKILL after `killAfterMs`; resolves when the process is gone. */
export async function stopChild(child: ChildProcess, killAfterMs = KILL_AFTER_MS): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  await gone;
  clearTimeout(killer);
}
