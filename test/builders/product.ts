import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Connection } from '#local/start/connection.ts';
import { readConnection } from '#local/start/connection.ts';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const PROGRAM = `${REPOSITORY}bin/local.ts`;
const READY_WITHIN_MS = 60_000;

export type RunningProduct = {
  readonly connection: Connection;
  readonly dataDir: string;
  readonly process: ChildProcess;
  readonly readyMs: number;
  /** Everything it wrote, so far. */
  readonly output: () => string;
  /** SIGTERM, or the signal given; answers how long it took until all of its processes were gone. */
  readonly end: (
    signal?: NodeJS.Signals,
  ) => Promise<{ readonly status: number | null; readonly tookMs: number }>;
};

export const newDataDir = (): string => mkdtempSync(join(tmpdir(), 'tunegate-product-'));
export const removeDataDir = (dataDir: string): void => rmSync(dataDir, { recursive: true, force: true });

/** Starts the product as `npm start` does, and waits until it says that it is ready. Throws what it wrote when it ends before. */
export async function startProduct(
  options: { readonly dataDir?: string; readonly viaNpm?: boolean; readonly fresh?: boolean } = {},
): Promise<RunningProduct> {
  const dataDir = options.dataDir ?? newDataDir();
  const startedMs = performance.now();
  const run = launch(
    ['--port', '0', '--data', dataDir, ...(options.fresh === true ? ['--fresh'] : [])],
    options.viaNpm === true,
  );
  await run.ready;
  const connection = readConnection(join(dataDir, 'connection.json'));
  if (connection === undefined) throw new Error('the product is ready and wrote no connection.json');
  return {
    connection,
    dataDir,
    process: run.process,
    readyMs: performance.now() - startedMs,
    output: run.output,
    end: async (signal = 'SIGTERM') => {
      const endedMs = performance.now();
      run.process.kill(signal);
      const status = await run.ended;
      while (processesNaming(dataDir).length > 0 && performance.now() - endedMs < 10_000) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return { status, tookMs: performance.now() - endedMs };
    },
  };
}

/** Runs it where it is expected to refuse; answers its exit status and what it wrote to stderr. */
export async function startRefused(
  args: readonly string[],
): Promise<{ readonly status: number | null; readonly stderr: string }> {
  const run = launch(args);
  run.ready.catch(() => undefined);
  const timer = setTimeout(() => run.process.kill('SIGKILL'), READY_WITHIN_MS);
  const status = await run.ended;
  clearTimeout(timer);
  return { status, stderr: run.errors() };
}

function launch(args: readonly string[], viaNpm = false) {
  const [command, first] = viaNpm ? ['npm', ['start', '--']] : [process.execPath, [PROGRAM]];
  const child = spawn(command, [...first, ...args], { cwd: REPOSITORY, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const ready = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`not ready in time: ${output}${errors}`)),
      READY_WITHIN_MS,
    );
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.includes('Tunegate runs at')) resolve();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    void ended.then((status) => reject(new Error(`ended with ${status}: ${output}${errors}`)));
    void Promise.allSettled([ended]).then(() => clearTimeout(timer));
  });
  return { process: child, ready, ended, output: () => output, errors: () => errors };
}

/** The processes of this machine whose command line names a folder. */
export function processesNaming(dataDir: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && commandLine(pid).includes(dataDir));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
