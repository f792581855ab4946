import type { Server } from 'node:http';

const CLOSE_WITHIN_MS = 2_000;

/** Listens on 127.0.0.1; port 0 takes any free one. Throws when the port is in use. */
export function listenOnLoopback(server: Server, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      const address = server.address();
      if (typeof address === 'object' && address !== null) resolve(`http://127.0.0.1:${address.port}`);
      else reject(new Error('the server has no port'));
    });
  });
}

/**
 * Keeps the contract of every local service: one JSON line on stdout when it is ready, and an end on SIGTERM or as
 * soon as stdin closes, which is what happens to it when its parent dies in whatever way.
 */
export function serveUntilTold(url: string, stop: () => Promise<void>): void {
  let stopping = false;
  const end = (): void => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(0), CLOSE_WITHIN_MS).unref();
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', () => undefined); // Ctrl-C reaches every process of the terminal; the parent decides the order
  process.stdin.once('end', end).once('close', end).once('error', end).resume();
  process.stdout.write(`${JSON.stringify({ ready: true, url })}\n`);
}
