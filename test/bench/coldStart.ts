import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import * as z from 'zod/mini';
import { bundleFunction } from '#test/builders/bundles.ts';
import { summarize, type Times } from './statistics.ts';

const RUNS = 9;
const Measured = z.object({ wallMs: z.number(), cpuMs: z.number() });

/** What the fresh process runs: the import of the bundle, as Lambda does it before the first call. */
const program = (bundle: string): string => `
  globalThis.awslambda = { streamifyResponse: (handler) => handler, HttpResponseStream: {} };
  const cpu = process.cpuUsage(); const startedMs = performance.now();
  await import(${JSON.stringify(pathToFileURL(bundle).href)});
  const { user, system } = process.cpuUsage(cpu);
  console.log(JSON.stringify({ wallMs: performance.now() - startedMs, cpuMs: (user + system) / 1000 }));
  process.exit(0);`;

export type ColdStart = { readonly wall: Times; readonly cpu: Times; readonly kilobytes: number };

/** Imports the bundled chat handler in fresh processes, with the environment that this one has. */
export async function measureColdStart(): Promise<ColdStart> {
  const directory = mkdtempSync(join(tmpdir(), 'tunegate-cold-'));
  try {
    const outfile = join(directory, 'handler.mjs');
    await bundleFunction('chat', outfile);
    const measured: z.infer<typeof Measured>[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      const args = ['--input-type=module', '--eval', program(outfile)];
      const { stdout } = await promisify(execFile)(process.execPath, args);
      measured.push(Measured.parse(JSON.parse(stdout)));
    }
    return {
      wall: summarize(measured.map(({ wallMs }) => wallMs)),
      cpu: summarize(measured.map(({ cpuMs }) => cpuMs)),
      kilobytes: statSync(outfile).size / 1_000,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
