import { lineFor } from './cannotStart.ts';
import { readOptions, USAGE } from './options.ts';
import { onNpmGone } from './parentWatch.ts';
import { type Running, start } from './start.ts';
import { announce, announceMemory, terminalEvents } from './terminal.ts';

/** Runs the product until it is told to end. The exit status is 0 for an asked end, 1 for every other. */
export async function main(args: readonly string[]): Promise<void> {
  const stopping = new AbortController();
  let running: Running | undefined;
  let end: ((status: number) => void) | undefined;
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  const tell = (): void => {
    stopping.abort(new Error('ended before it was ready'));
    end?.(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, tell);
  onNpmGone(tell);
  try {
    const options = readOptions(args);
    if (options === undefined) {
      console.log(USAGE);
      return;
    }
    const startedMs = performance.now();
    const events = terminalEvents(options.verbose, (name) => {
      if (stopping.signal.aborted) return;
      console.error(`tunegate: the local ${name} service ended; see ${options.dataDir}/logs/${name}.log`);
      end?.(1);
    });
    running = await start(options, events, stopping.signal);
    announce(running, options.dataDir, performance.now() - startedMs);
    if (options.verbose) announceMemory(running.processes());
    process.exitCode = await ended;
  } catch (error) {
    if (!stopping.signal.aborted) {
      console.error(`tunegate cannot start: ${lineFor(error)}`);
      process.exitCode = 1;
    }
  }
  await running?.stop();
  process.exit();
}
