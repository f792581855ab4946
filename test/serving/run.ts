import { spawnSync } from 'node:child_process';

// `npm run test:serving`: what Tunegate says of engines, asked of real ones: vLLM, with the settings that its image gets
// on AWS, and llama.cpp. TUNEGATE_PYTHON names the Python of a virtual environment that has them, see
// containers/serving/README.md. Nothing else depends on them, so a machine without them passes, loudly.
const PARTS = [
  {
    engine: 'vLLM',
    needs: ['vllm', 'model_hosting_container_standards'],
    file: 'test/serving/vllm.serving.ts',
  },
  { engine: 'llama.cpp', needs: ['xllamacpp'], file: 'test/serving/llamaCpp.serving.ts' },
];
const python = process.env['TUNEGATE_PYTHON'] ?? 'python3';

const files = PARTS.flatMap(({ engine, needs, file }) => {
  const find = `import importlib.util as u, sys; sys.exit(' '.join(m for m in ${JSON.stringify(needs)} if u.find_spec(m) is None) or 0)`;
  const found = spawnSync(python, ['-c', find], { encoding: 'utf8' });
  if (found.status === 0) return [file];
  const reason = found.error?.message ?? `has no ${found.stderr.trim()}`;
  console.warn(`SKIPPED: the tests with ${engine} did NOT run.\n  ${python}: ${reason}`);
  console.warn('  containers/serving/README.md says what to install. Set TUNEGATE_PYTHON to that Python.');
  return [];
});
if (files.length > 0) {
  const { status } = spawnSync(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/serving/vitest.config.ts', ...files],
    { stdio: 'inherit', env: { ...process.env, TUNEGATE_PYTHON: python } },
  );
  process.exitCode = status ?? 1;
}
