import { existsSync } from 'node:fs';
import { Server } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { startFauxqs } from 'fauxqs';

export type Upstream = { readonly port: number; readonly stop: () => Promise<void> };

/**
 * Starts fauxqs (SQS and S3) on a free port of 127.0.0.1. It would listen on every interface of the machine and has
 * no option against that, so `listen` is bent for as long as it starts. Everything is kept in SQLite rather than
 * in files, because a file that was cut short by a crash would keep it from starting again.
 */
export async function startUpstream(dataDir: string | undefined): Promise<Upstream> {
  if (dataDir !== undefined) returnInFlight(join(dataDir, 'fauxqs.db'));
  const listen = Server.prototype.listen;
  Server.prototype.listen = function (this: Server, ...args: unknown[]) {
    const [first, ...rest] = args;
    const loopback =
      typeof first === 'object' && first !== null && 'port' in first
        ? { ...first, host: '127.0.0.1' }
        : first;
    return Reflect.apply(listen, this, [loopback, ...rest]);
  };
  try {
    const server = await startFauxqs({
      port: 0,
      logger: false,
      ...(dataDir === undefined ? {} : { dataDir }),
    });
    return { port: server.port, stop: () => server.stop() };
  } finally {
    Server.prototype.listen = listen;
  }
}

/** Whoever received a message before this start is gone, so it need not wait for its visibility timeout. */
function returnInFlight(file: string): void {
  if (!existsSync(file)) return;
  const database = new DatabaseSync(file);
  try {
    database.exec('UPDATE sqs_messages SET visibility_deadline = 1 WHERE visibility_deadline IS NOT NULL');
  } finally {
    database.close();
  }
}
