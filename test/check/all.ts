import { spawnSync } from 'node:child_process';

// `npm run check`: every part, each also a script of its own, even when one before it failed.
const PARTS = ['lock', 'types', 'lint', 'knip', 'imports', 'synth', 'lint:templates', 'agreement', 'bundles'];

const results = PARTS.map((part) => {
  console.log(`\n── npm run ${part}`);
  const beganMs = performance.now();
  const { status } = spawnSync('npm', ['run', '--silent', part], { stdio: 'inherit' });
  return { part, failed: status !== 0, seconds: (performance.now() - beganMs) / 1_000 };
});

console.log('\n── npm run check');
for (const { part, failed, seconds } of results) {
  console.log(`${failed ? 'FAILED' : 'ok    '} ${part} (${seconds.toFixed(1)} s)`);
}
process.exitCode = results.some(({ failed }) => failed) ? 1 : 0;
