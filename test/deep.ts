import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

// Runs what takes longer than a change should wait: the property tests with as many examples each as asked, what
// adapters really learn, hundreds of them in turns, and functions that are killed at each of their steps. `npm run test:deep -- --runs 20000 [file…]`.
const { values, positionals } = parseArgs({
  options: { runs: { type: 'string', default: '20000' } },
  allowPositionals: true,
});
if (!/^[1-9]\d{0,8}$/.test(values.runs)) {
  console.error(`--runs takes a whole number above zero, not ${values.runs}`);
  process.exit(2);
}
const LONG = [
  'test/property',
  'test/integration/manyAdapters.test.ts',
  'test/integration/adapterImport.test.ts',
  'test/integration/sigkill.test.ts',
  'test/integration/training/productAccuracy.test.ts',
];
const files = positionals.length === 0 ? LONG : positionals;
const vitest = spawn(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', '--testTimeout=0', ...files],
  { stdio: 'inherit', env: { ...process.env, TUNEGATE_PROPERTY_RUNS: values.runs, TUNEGATE_DEEP: '1' } },
);
vitest.once('exit', (code) => {
  process.exitCode = code ?? 1;
});
