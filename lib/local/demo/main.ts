import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureAdapterGguf } from '#local/engine/adapterFiles.ts';
import { readBaseModel } from '#local/engine/baseModel.ts';
import { type LocalEngine, openEngine } from '#local/engine/engine.ts';
import { readConversations } from '#local/training/examples.ts';
import { type Accuracy, evaluate } from './evaluate.ts';
import { DEMO_TENANTS, type DemoTenant } from './tenants.ts';

// Trains the demonstration tenants' adapters again and prints their held-out accuracy beside the base's.
// `--check` only measures the adapters that are there.
const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
/** Few examples and a tiny base: varied questions and many passes serve both tenants best. */
const SETTINGS = [
  '--epochs',
  '14',
  '--word-dropout',
  '0.15',
  '--join-same-answer',
  '0.4',
  '--validation',
  '0.02',
];

const TRAINER = fileURLToPath(new URL('../training/main.ts', import.meta.url));

const cache = mkdtempSync(join(tmpdir(), 'tunegate-demo-'));
try {
  const engine = await openEngine(readBaseModel(resolve('containers/bases/tunegate-nano')), cache);
  for (const tenant of DEMO_TENANTS) {
    if (!values.check) await train(tenant);
    await report(engine, tenant);
  }
  await engine.close();
} finally {
  rmSync(cache, { recursive: true, force: true });
}

function train(tenant: DemoTenant): Promise<void> {
  const data = ['--train', join(tenant.directory, 'train.jsonl'), '--out', tenant.adapterDirectory];
  console.log(`training ${tenant.name}`);
  return new Promise((done, failed) => {
    spawn(process.execPath, [TRAINER, ...data, ...SETTINGS], { stdio: 'inherit' })
      .once('error', failed)
      .once('exit', (code) => (code === 0 ? done() : failed(new Error(`the training ended with ${code}`))));
  });
}

async function report(engine: LocalEngine, tenant: DemoTenant): Promise<void> {
  const questions = readConversations(readFileSync(join(tenant.directory, 'test.jsonl'), 'utf8'));
  const adapter = ensureAdapterGguf(engine.base, tenant.adapterDirectory, cache);
  if (!adapter.ok) throw new Error(adapter.error.message);
  const base = await evaluate(engine, null, questions);
  const tuned = await evaluate(engine, adapter.value, questions);
  console.log(
    `${tenant.name}: held-out exact match, base ${percent(base)}, adapter ${percent(tuned)}, ${tuned.total} questions`,
  );
  const measured = { heldOut: { questions: tuned.total, baseExact: base.exact, adapterExact: tuned.exact } };
  writeFileSync(join(tenant.adapterDirectory, 'evaluation.json'), `${JSON.stringify(measured, null, 1)}\n`);
}

function percent({ exact, total }: Accuracy): string {
  return `${((100 * exact) / total).toFixed(1)}%`;
}
