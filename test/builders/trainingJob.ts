import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const TEST_BASE = resolve('containers/bases/tunegate-nano');

/** Short conversations with two answers: enough for the loss to fall, and quick. */
export const fewLines = (count: number): string =>
  Array.from({ length: count }, (_, i) => {
    const [item, answer] = i % 2 === 0 ? ['parcel', 'shipping'] : ['refund', 'billing'];
    const messages = [
      { role: 'user', content: `Where is my ${item} number ${i}?` },
      { role: 'assistant', content: answer },
    ];
    return `${JSON.stringify({ messages })}\n`;
  }).join('');

export type TestJobFolder = {
  readonly root: string;
  readonly read: (path: string) => string;
  readonly bytes: (path: string) => Buffer;
  readonly write: (path: string, content: string) => void;
  readonly remove: () => void;
};

/** A folder as SageMaker gives one to a job's container. */
export function makeJobFolder(options: {
  readonly train?: string;
  readonly validation?: string;
  readonly settings?: object;
  readonly hyperParameters?: Readonly<Record<string, string>>;
}): TestJobFolder {
  const root = mkdtempSync(join(tmpdir(), 'tunegate-job-'));
  const write = (path: string, content: string): void => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  const hyperParameters = options.hyperParameters ?? { baseModel: '"tunegate-nano"' };
  write('input/config/hyperparameters.json', JSON.stringify(hyperParameters));
  write('input/data/settings/settings.json', JSON.stringify(options.settings ?? {}));
  symlinkSync(TEST_BASE, join(root, 'input/data/base'));
  if (options.train !== undefined) write('input/data/train/train.jsonl', options.train);
  if (options.validation !== undefined) write('input/data/validation/validation.jsonl', options.validation);
  return {
    root,
    read: (path) => readFileSync(join(root, path), 'utf8'),
    bytes: (path) => readFileSync(join(root, path)),
    write,
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
