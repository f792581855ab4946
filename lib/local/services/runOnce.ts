import { fileURLToPath } from 'node:url';
import { startChild } from './child.ts';
import { NODE_FLAGS } from './nodeFlags.ts';

/** Runs one of our own programs, `node lib/local/<name>/main.ts`, to its end. Throws, with what it wrote, when it fails. */
export function runOnce(options: {
  readonly name: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}): Promise<void> {
  const main = fileURLToPath(new URL(`../${options.name}/main.ts`, import.meta.url));
  const lines: string[] = [];
  const child = startChild({
    command: process.execPath,
    args: [...NODE_FLAGS, main],
    env: options.env,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onLine: (line) => lines.push(line),
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`the local ${options.name} failed: ${lines.join(' | ')}`));
    });
  });
}
