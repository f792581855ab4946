import { spawnSync } from 'node:child_process';
import { delimiter, dirname } from 'node:path';

// `npm run test:training`: the tests of containers/training, where Python has what they need. TUNEGATE_PYTHON names
// the Python of a virtual environment. Nothing else depends on them, so a machine without Python passes, loudly.
const python = process.env['TUNEGATE_PYTHON'] ?? 'python3';
const found = spawnSync(python, ['-c', 'import torch, transformers, peft, pytest'], { encoding: 'utf8' });
if (found.status === 0) {
  const path = `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`; // the tests call this node
  const { status } = spawnSync(python, ['-m', 'pytest', ...process.argv.slice(2)], {
    cwd: 'containers/training',
    env: { ...process.env, PATH: path, PYTHONDONTWRITEBYTECODE: '1' },
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
} else {
  const reason = found.error?.message ?? found.stderr.trim().split('\n').at(-1);
  console.warn(`SKIPPED: the training container's tests did NOT run.\n  ${python}: ${reason}`);
  console.warn('  Install containers/training/requirements-dev.txt and set TUNEGATE_PYTHON to that Python.');
}
