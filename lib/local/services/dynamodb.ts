import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { type ChildService, startChild, stopChild } from './child.ts';
import { watched } from './watched.ts';

const READY_WITHIN_MS = 10_000;

/** Asks the kernel for a port of 127.0.0.1 that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** Where the DynamoDB server's binary is, or undefined on a machine whose package it does not exist for. */
export function dynoxideBinary(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve('@dynoxide/linux-x64/dynoxide');
  } catch {
    return undefined;
  }
}

/** Starts dynoxide on a file (or in memory) and waits until it answers. Throws with one line saying what is missing. */
export async function startDynamoDb(options: {
  readonly file?: string;
  readonly port?: number;
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
}): Promise<ChildService> {
  const command = dynoxideBinary();
  if (command === undefined) {
    throw new Error(
      'dynoxide has no package for this platform: set TUNEGATE_DYNAMODB_ENDPOINT to another DynamoDB (DynamoDB Local, say)',
    );
  }
  const port = options.port ?? (await freePort());
  const args = [
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
    ...(options.file === undefined ? [] : ['--db-path', options.file]),
  ];
  const child = startChild({
    ...watched(command, args),
    ...(options.onLine === undefined ? {} : { onLine: options.onLine }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const url = `http://127.0.0.1:${port}`;
  await answers(url, () => child.exitCode !== null);
  return { url, process: child, stop: () => stopChild(child) };
}

async function answers(url: string, died: () => boolean): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline && !died()) {
    const response = await fetch(url, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined);
    if (response !== undefined) {
      await response.arrayBuffer();
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`the DynamoDB server at ${url} did not start`);
}
