import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Metafile } from 'esbuild';
import { FUNCTIONS } from '#io/definitions/functions.ts';
import { bundleFunction } from '#test/builders/bundles.ts';
import { synthesize } from '#test/builders/templates.ts';

// Bundles every function exactly as the stacks do, loads each bundle in fresh processes and holds size and load time
// against their limits. `--why NAME` lists what one bundle consists of, before it is minified for the second time.

/** What works off queues and schedules, and keeps nobody waiting while it starts. */
const LIMIT = { kb: 700, importMs: 180 };
/** Somebody waits for these: a client's first token, a request's key, an answer to Dodo, a person at a screen. */
const LIMITS: Readonly<Record<string, typeof LIMIT>> = {
  chat: { kb: 400, importMs: 100 },
  authorizer: { kb: 400, importMs: 100 },
  'dodo-webhook': { kb: 400, importMs: 120 },
  account: { kb: 600, importMs: 150 },
  control: { kb: 600, importMs: 150 },
  files: { kb: 600, importMs: 150 },
  adapters: { kb: 600, importMs: 150 },
  'fine-tuning': { kb: 600, importMs: 150 },
};
const RUNS = 9;
const MOST_RUNS = 45;
const NAME = 'https://sqs.us-east-1.amazonaws.com/000000000000/name';
/** On AWS these are unpacked under /opt. */
const LAYERS = {
  TUNEGATE_PRICE_TABLES_DIR: join(process.cwd(), 'layers/price-tables'),
  TUNEGATE_TOKENIZERS_DIR: join(process.cwd(), 'layers/tokenizers'),
};
const LARGEST_PARTS = 30;

/** Prints the processor time that importing a bundle takes, user and system, in milliseconds. */
const PROBE = `
globalThis.awslambda = { streamifyResponse: (handler) => handler, HttpResponseStream: { from: (stream) => stream } };
const before = process.cpuUsage();
await import(process.argv[2]);
const { user, system } = process.cpuUsage(before);
process.stdout.write(String((user + system) / 1000));
process.exit(0);
`;

type Report = {
  readonly name: string;
  readonly kb: number;
  readonly medianMs: number;
  /** The least of all runs, which the limit is held to: whatever else the machine does only ever adds. */
  readonly importMs: number;
  readonly metafile: Metafile;
};

const lambdas = synthesize('prod').ofType('AWS::Lambda::Function');
const { values } = parseArgs({ options: { why: { type: 'string' } } });
const folder = mkdtempSync(join(tmpdir(), 'tunegate-bundles-'));
const probe = join(folder, 'probe.mjs');
writeFileSync(probe, PROBE);
const names = values.why === undefined ? Object.keys(FUNCTIONS) : [values.why];
const reports: Report[] = [];
for (const name of names) reports.push(await measure(name));
rmSync(folder, { recursive: true });
print(reports);
if (values.why !== undefined) explain(reports);

async function measure(name: string): Promise<Report> {
  const outfile = join(folder, name, 'index.mjs');
  const metafile = await bundleFunction(name, outfile);
  const limitMs = (LIMITS[name] ?? LIMIT).importMs;
  const times: number[] = [];
  // What seems too slow may have had a busy machine: it is asked more often before it is believed.
  while (times.length < RUNS || (times.length < MOST_RUNS && Math.min(...times) > limitMs))
    times.push(loadOnce(name, outfile));
  times.sort((a, b) => a - b);
  const kb = statSync(outfile).size / 1024;
  const [importMs = 0, medianMs = 0] = [0, 0.5].map((part) => times[Math.floor(times.length * part)]);
  return { name, kb, importMs, medianMs, metafile };
}

/** Processor time of one import in a process of its own, in milliseconds. */
function loadOnce(name: string, bundle: string): number {
  const { status, stdout, stderr } = spawnSync(process.execPath, [probe, bundle], {
    env: environment(name),
    encoding: 'utf8',
  });
  if (status === 0) return Number(stdout);
  // Node prints the whole minified line above the message: the message alone says what is wrong.
  const message = stderr.split('\n').find((line) => /^\w*Error\b/.test(line));
  throw new Error(`${name} does not load: ${message ?? stderr.slice(-500)}`);
}

/** What a function finds in its environment, as the stacks give it; names that AWS makes are any text. */
function environment(name: string): Readonly<Record<string, string>> {
  const fn = lambdas.find(({ Properties }) => Properties.FunctionName === `tunegate-prod-${name}`);
  const variables: Readonly<Record<string, unknown>> = fn?.Properties.Environment.Variables ?? {};
  const texts = Object.entries(variables).map(([key, value]) => [
    key,
    typeof value === 'string' ? value : NAME,
  ]);
  return { ...Object.fromEntries(texts), NODE_OPTIONS: '', AWS_REGION: 'us-east-1', ...LAYERS };
}

function print(reports: readonly Report[]): void {
  const row = (cells: readonly string[]) =>
    console.log(cells.map((cell, at) => (at === 0 ? cell.padEnd(16) : cell.padStart(11))).join(''));
  row(['function', 'size KB', 'limit', 'import ms', 'median', 'limit', '']);
  for (const { name, kb, importMs, medianMs } of reports) {
    const limit = LIMITS[name] ?? LIMIT;
    const over = kb > limit.kb || importMs > limit.importMs;
    row([
      name,
      kb.toFixed(1),
      String(limit.kb),
      importMs.toFixed(0),
      medianMs.toFixed(0),
      String(limit.importMs),
      over ? 'TOO MUCH' : '',
    ]);
    if (over) process.exitCode = 1;
  }
}

/** The largest packages and own folders in a bundle. */
function explain(reports: readonly Report[]): void {
  const sizes = new Map<string, number>();
  for (const { inputs } of reports.flatMap(({ metafile }) => Object.values(metafile.outputs))) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const part = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? path;
      sizes.set(part, (sizes.get(part) ?? 0) + bytesInOutput);
    }
  }
  const largest = [...sizes].sort(([, a], [, b]) => b - a).slice(0, LARGEST_PARTS);
  for (const [part, bytes] of largest) console.log(`${(bytes / 1024).toFixed(1).padStart(8)} KB  ${part}`);
}
