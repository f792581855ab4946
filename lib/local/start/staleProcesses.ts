import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';

const Run = z.object({ processes: z.record(z.string(), z.int()) });
const END_WITHIN_MS = 3_000;
const LOOK_EVERY_MS = 50;

/**
 * Ends what an instance that was killed left behind, and waits until it is gone, so that two never write to one
 * database. A process is ours only when its command line names this data folder: its id may belong to another by now.
 */
export async function endStaleProcesses(runFile: string, dataDir: string): Promise<void> {
  const ours = (): readonly number[] => idsIn(runFile).filter((pid) => commandOf(pid).includes(dataDir));
  const deadline = Date.now() + END_WITHIN_MS;
  for (const pid of ours()) signal(pid, 'SIGTERM');
  while (ours().length > 0 && Date.now() < deadline) await sleep(LOOK_EVERY_MS);
  for (const pid of ours()) signal(pid, 'SIGKILL');
}

function idsIn(runFile: string): readonly number[] {
  try {
    return Object.values(Run.parse(JSON.parse(readFileSync(runFile, 'utf8'))).processes);
  } catch {
    return []; // nothing was left, or it was cut short
  }
}

/** The command line of a process, empty when there is none of that id. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    if (process.platform === 'linux') return '';
  }
  try {
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}

function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch {
    // it ended by itself meanwhile
  }
}
