import { join } from 'node:path';
import { type ChildService, stopChild } from '#local/services/child.ts';
import { startDynamoDb } from '#local/services/dynamodb.ts';
import { startService } from '#local/services/service.ts';
import { openBoundedLog } from './boundedLog.ts';

type Variables = Readonly<Record<string, string | undefined>>;

export type ServiceGroup = {
  readonly startOwn: (name: string, args: readonly string[], env: Variables) => Promise<string>;
  readonly startDynamoDb: (file: string) => Promise<string>;
  /** The process ids of what runs, by name. */
  readonly processes: () => Readonly<Record<string, number>>;
  /** Ends the named services, or all, within `withinMs`. */
  readonly stop: (options: { readonly withinMs: number; readonly only?: string }) => Promise<void>;
};

export type ServiceGroupOptions = {
  readonly logs: string;
  readonly env: Variables;
  /** Ends what is still starting. */
  readonly signal?: AbortSignal;
  readonly onStarted: (name: string, url: string, tookMs: number) => void;
  readonly onLine: (name: string, line: string) => void;
  /** A service ended although nobody asked it to. */
  readonly onLost: (name: string) => void;
};

/** The services of one product, each a process of its own that logs to `<logs>/<name>.log`. */
export function makeServiceGroup(options: ServiceGroupOptions): ServiceGroup {
  const abortable = options.signal === undefined ? {} : { signal: options.signal };
  const running = new Map<string, ChildService>();
  const stopping = new Set<string>();

  async function start(
    name: string,
    open: (onLine: (line: string) => void) => Promise<ChildService>,
  ): Promise<string> {
    const startedMs = performance.now();
    const log = openBoundedLog(join(options.logs, `${name}.log`));
    const service = await open((line) => {
      log.write(line);
      options.onLine(name, line);
    });
    running.set(name, service);
    const lost = (): void => {
      running.delete(name);
      if (!stopping.has(name)) options.onLost(name);
    };
    if (service.process.exitCode === null && service.process.signalCode === null) {
      service.process.once('exit', lost);
    } else lost();
    options.onStarted(name, service.url, performance.now() - startedMs);
    return service.url;
  }

  return {
    startOwn: (name, args, env) =>
      start(name, (onLine) =>
        startService({ name, args, env: { ...options.env, ...env }, onLine, ...abortable }),
      ),
    startDynamoDb: (file) => start('dynamodb', (onLine) => startDynamoDb({ file, onLine, ...abortable })),
    processes: () =>
      Object.fromEntries(
        [...running].flatMap(([name, { process }]) => (process.pid ? [[name, process.pid]] : [])),
      ),
    stop: async ({ withinMs, only }) => {
      const chosen = [...running].filter(([name]) => only === undefined || name === only);
      for (const [name] of chosen) stopping.add(name);
      await Promise.all(chosen.map(([, service]) => stopChild(service.process, withinMs)));
    },
  };
}
