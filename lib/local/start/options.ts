import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CannotStart } from './cannotStart.ts';

export type StartOptions = {
  /** 0: any free port. */
  readonly port: number;
  readonly dataDir: string;
  /** Begin with nothing: delete what an earlier run left. */
  readonly fresh: boolean;
  /** What trains: our own trainer, or containers/training in a Python that has PyTorch. */
  readonly trainer: { readonly kind: 'node' | 'python'; readonly python: string };
  /** Say more: every request, and each process's memory. */
  readonly verbose: boolean;
};

export const USAGE = `usage: npm start -- [--port N] [--data DIR] [--fresh] [--trainer NAME] [--python PATH] [--verbose]
  --port N        where the API listens on 127.0.0.1 (default 8787; 0: any free port)
  --data DIR      where everything is kept (default .tunegate)
  --fresh         delete what an earlier run kept there, then start
  --trainer NAME  what trains: node (default), or python where --python has torch, transformers and peft
  --python PATH   that Python (default python3)
  --verbose       log every request, and the memory of each process`;

const DEFAULT_PORT = '8787';
/** Where the CLI looks, unless it is told otherwise. */
export const DEFAULT_DATA_DIR = '.tunegate';
const MAX_PORT = 65_535;

/** Reads the command line; undefined asks for help. Throws `CannotStart` for an option that is not one. */
export function readOptions(args: readonly string[]): StartOptions | undefined {
  const values = parse(args);
  if (values.help === true) return undefined;
  const port = /^\d{1,5}$/.test(values.port) ? Number(values.port) : Number.NaN;
  if (!(port <= MAX_PORT)) {
    throw new CannotStart(`--port takes a number from 0 to ${MAX_PORT}, not "${values.port}"`);
  }
  if (values.data === '') throw new CannotStart('--data takes a folder');
  if (values.trainer !== 'node' && values.trainer !== 'python') {
    throw new CannotStart(`--trainer takes node or python, not "${values.trainer}"`);
  }
  return {
    port,
    dataDir: resolve(values.data),
    fresh: values.fresh,
    trainer: { kind: values.trainer, python: values.python },
    verbose: values.verbose,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        port: { type: 'string', default: DEFAULT_PORT },
        data: { type: 'string', default: DEFAULT_DATA_DIR },
        fresh: { type: 'boolean', default: false },
        trainer: { type: 'string', default: 'node' },
        python: { type: 'string', default: 'python3' },
        verbose: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    const [line = 'bad options'] = error instanceof Error ? error.message.split('\n') : [];
    throw new CannotStart(`${line.replace(/\. To specify.*$/, '')} (--help shows the options)`);
  }
}
