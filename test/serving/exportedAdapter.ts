import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { extract } from 'tar';
import * as z from 'zod/mini';
import type { RunningProduct } from '#test/builders/product.ts';

const run = promisify(execFile);
const Adapters = z.object({ data: z.array(z.object({ id: z.string() })) });

/** Runs `tunegate …` against a running product and answers what it printed with `--json`. */
export async function tunegate({ dataDir }: RunningProduct, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, ['bin/cli.ts', '--data', dataDir, '--json', ...args]);
  return stdout;
}

/** Exports a tenant's newest adapter as a client takes it along. */
export async function exportedAdapter(product: RunningProduct, tenant: string, folder: string) {
  const { data } = Adapters.parse(JSON.parse(await tunegate(product, 'adapters', 'list', tenant)));
  const id = data[0]?.id ?? '';
  const archive = join(folder, `${id}.tar.gz`);
  await tunegate(product, 'adapters', 'export', tenant, id, '--output', archive);
  const directory = join(folder, id);
  mkdirSync(directory);
  await extract({ file: archive, cwd: directory });
  return { id, peft: join(directory, 'peft'), gguf: join(directory, 'gguf/adapter.gguf') };
}
