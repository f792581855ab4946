import { spawnSync } from 'node:child_process';
import type { TrainerChoice } from './jobContainer.ts';

const PACKAGES = ['torch', 'transformers', 'peft', 'safetensors'];
const CHECK_WITHIN_MS = 20_000;

/** Reads `--trainer`. Throws, saying what is missing, where the interpreter has not what containers/training needs. */
export function chooseTrainer(trainer: string, python: string): TrainerChoice {
  if (trainer === 'node') return { kind: 'node' };
  if (trainer !== 'python') throw new Error(`--trainer takes node or python, not "${trainer}"`);
  // Looked for and not imported: that would take seconds.
  const script = `import importlib.util, sys; print(*[n for n in sys.argv[1:] if not importlib.util.find_spec(n)])`;
  const found = spawnSync(python, ['-c', script, ...PACKAGES], {
    encoding: 'utf8',
    timeout: CHECK_WITHIN_MS,
  });
  if (found.status !== 0) throw new Error(`--trainer python: ${python} does not run`);
  const missing = found.stdout.trim();
  if (missing !== '') throw new Error(`--trainer python: ${python} has no ${missing.replaceAll(' ', ', ')}`);
  return { kind: 'python', command: python };
}
