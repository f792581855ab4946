import { constants, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { startChild } from '#local/services/child.ts';
import { NODE_FLAGS } from '#local/services/nodeFlags.ts';
import { watched } from '#local/services/watched.ts';

/** Which trainer runs jobs: our own, or containers/training in a Python that has torch. */
export type TrainerChoice = { readonly kind: 'node' } | { readonly kind: 'python'; readonly command: string };

export type JobContainer = {
  /** The exit code; one that a signal ended has 128 and its number. */
  readonly ended: Promise<number>;
  /** SIGTERM, and SIGKILL when that does not end it. */
  readonly terminate: (killAfterMs: number) => void;
};

/** A job has no network: nothing of this server's addresses and credentials is passed on. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'MALLOC_ARENA_MAX', 'NODE_COMPILE_CACHE'];
/** Below everything that answers somebody. */
const NICENESS = 10;
const MAX_HEAP_MB = 512;

/** Starts a job's process in the folder that it has as /opt/ml. It ends when this process ends, in whatever way. */
export function startJobContainer(options: {
  readonly trainer: TrainerChoice;
  readonly mlRoot: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
}): JobContainer {
  const hidden = Object.keys(process.env).filter((name) => !PASSED_ON.includes(name));
  const child = startChild({
    ...commandOf(options.trainer),
    env: {
      ...Object.fromEntries(hidden.map((name) => [name, undefined])),
      ...options.environment,
      TUNEGATE_ML_ROOT: options.mlRoot,
    },
    onLine: options.onLine,
  });
  lowerPriority(child.pid);
  return {
    ended: new Promise((resolve) => {
      child.once('error', (error) => {
        options.onLine(`the trainer could not be started: ${error.message}`);
        resolve(127);
      });
      child.once('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']));
    }),
    terminate: (killAfterMs) => {
      if (child.pid === undefined) return;
      child.kill('SIGTERM');
      const group = -child.pid;
      const killer = setTimeout(() => killGroup(group), killAfterMs);
      child.once('close', () => clearTimeout(killer));
    },
  };
}

function commandOf(trainer: TrainerChoice): { readonly command: string; readonly args: readonly string[] } {
  const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
  if (trainer.kind === 'python') {
    return watched(trainer.command, ['-u', path('../../../../containers/training/train.py')]);
  }
  const main = path('../../trainingJob/main.ts');
  return { command: process.execPath, args: [...NODE_FLAGS, `--max-old-space-size=${MAX_HEAP_MB}`, main] };
}

function lowerPriority(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, NICENESS);
  } catch {
    // it has ended already
  }
}

function killGroup(group: number): void {
  try {
    process.kill(group, 'SIGKILL');
  } catch {
    // nothing of it is left
  }
}
