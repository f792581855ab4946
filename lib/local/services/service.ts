import { fileURLToPath } from 'node:url';
import * as z from 'zod/mini';
import { type ChildService, startChild, stopChild } from './child.ts';
import { NODE_FLAGS } from './nodeFlags.ts';

const Ready = z.object({ ready: z.literal(true), url: z.string() });
const READY_WITHIN_MS = 15_000;
const LAST_LINES = 5;

export type ServiceOptions = {
  /** The folder of the service under `lib/local`. */
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
};

/**
 * Starts one of our own services, `node lib/local/<name>/main.ts --port 0 …`, and waits for the line that says where
 * it listens. Throws, with the last lines it wrote, when it ends or stays silent instead.
 */
export async function startService(options: ServiceOptions): Promise<ChildService> {
  const main = fileURLToPath(new URL(`../${options.name}/main.ts`, import.meta.url));
  const lines: string[] = [];
  let announce: (url: string) => void = () => undefined;
  const announced = new Promise<string>((resolve) => {
    announce = resolve;
  });
  const child = startChild({
    command: process.execPath,
    args: [...NODE_FLAGS, main, ...options.args],
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onLine: (line) => {
      const url = readyUrl(line);
      if (url !== undefined) return announce(url);
      lines.push(line);
      if (lines.length > LAST_LINES) lines.shift();
      options.onLine?.(line);
    },
  });
  let timer: NodeJS.Timeout | undefined;
  const failed = new Promise<never>((_, reject) => {
    const fail = (what: string) =>
      reject(new Error(`the local ${options.name} service ${what}: ${lines.join(' | ')}`));
    child.once('error', (error) => fail(`could not be started (${error.message})`));
    child.once('close', (code, signal) => fail(`ended with ${signal ?? code}`));
    timer = setTimeout(() => fail(`was not ready in ${READY_WITHIN_MS} ms`), READY_WITHIN_MS);
  });
  try {
    const url = await Promise.race([announced, failed]);
    failed.catch(() => undefined);
    return { url, process: child, stop: () => stopChild(child) };
  } catch (error) {
    await stopChild(child);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function readyUrl(line: string): string | undefined {
  if (!line.startsWith('{"ready"')) return undefined;
  try {
    const parsed = Ready.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data.url : undefined;
  } catch {
    return undefined;
  }
}
