import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import { adaptableBase } from '#core/adapters/bases.ts';
import { scanArchive } from '#io/adapters/scanArchive.ts';
import { EXIT, runJob } from '#local/trainingJob/runJob.ts';
import { fewLines, makeJobFolder, type TestJobFolder } from '#test/builders/trainingJob.ts';

const SETTINGS = { epochs: 2, batchSize: 4, checkpointSteps: 2, learningRate: 0.01 };
const never = (): boolean => false;

const folders: TestJobFolder[] = [];
function folder(options: Parameters<typeof makeJobFolder>[0]): TestJobFolder {
  const made = makeJobFolder(options);
  folders.push(made);
  return made;
}
afterEach(() => {
  for (const made of folders.splice(0)) made.remove();
  vi.restoreAllMocks();
});

/** The job's log would hide the tests' own. */
const quiet = () => vi.spyOn(console, 'log').mockImplementation(() => undefined);

/** Told to end before the given step, as SIGTERM tells it. */
function toldAt(step: number): () => boolean {
  let asked = 0;
  return () => {
    asked += 1;
    return asked > 2 * step; // asked twice before each step
  };
}

const untimed = (progress: string): unknown =>
  progress
    .trim()
    .split('\n')
    .map((line) => ({ ...JSON.parse(line), atMs: 0, tokensPerSecond: 0 }));

test('a job that was interrupted twice ends with the same bytes as one that was not', async () => {
  quiet();
  const options = { train: fewLines(12), validation: fewLines(4), settings: SETTINGS };
  const whole = folder(options);
  expect(await runJob(whole.root, never)).toBe(EXIT.finished);

  const broken = folder(options);
  expect(await runJob(broken.root, toldAt(3))).toBe(EXIT.interrupted);
  expect(await runJob(broken.root, toldAt(2))).toBe(EXIT.interrupted);
  // A file that a kill cut short is passed over for the one before.
  broken.write('checkpoints/checkpoint-00000009.safetensors', 'cut sho');
  expect(await runJob(broken.root, never)).toBe(EXIT.finished);

  const weights = 'model/adapter_model.safetensors';
  expect(broken.bytes(weights).equals(whole.bytes(weights))).toBe(true);
  const progress = 'checkpoints/progress.jsonl';
  expect(untimed(broken.read(progress))).toEqual(untimed(whole.read(progress)));
});

const keptIn = (job: TestJobFolder): readonly string[] =>
  readdirSync(`${job.root}/checkpoints`)
    .filter((name) => name.startsWith('adapter-'))
    .toSorted();

test('the weights of two ends of epochs before the last are kept, the same bytes however often it was interrupted', async () => {
  quiet();
  const options = { train: fewLines(12), validation: fewLines(4), settings: { ...SETTINGS, epochs: 4 } };
  const whole = folder(options);
  expect(await runJob(whole.root, never)).toBe(EXIT.finished);
  const kept = ['adapter-epoch-2-step-6.tar.gz', 'adapter-epoch-3-step-9.tar.gz'];
  expect(keptIn(whole)).toEqual(kept);

  const broken = folder(options);
  expect(await runJob(broken.root, toldAt(4))).toBe(EXIT.interrupted);
  expect(keptIn(broken)).toEqual([]);
  expect(await runJob(broken.root, toldAt(6))).toBe(EXIT.interrupted);
  expect(keptIn(broken)).toEqual(kept);
  // The newest checkpoint came to S3, and what was kept before it did not: an older checkpoint goes over it again.
  rmSync(`${broken.root}/checkpoints/${kept[1]}`);
  expect(await runJob(broken.root, never)).toBe(EXIT.finished);
  for (const name of kept) {
    const path = `checkpoints/${name}`;
    expect({ name, same: broken.bytes(path).equals(whole.bytes(path)) }).toEqual({ name, same: true });
  }
  expect(broken.bytes('checkpoints/adapter-epoch-2-step-6.tar.gz')).not.toEqual(
    broken.bytes('checkpoints/adapter-epoch-3-step-9.tar.gz'),
  );

  const base = adaptableBase('tunegate-nano');
  if (base === undefined) throw new Error('no base');
  const unpacked = `${whole.root}/unpacked`;
  mkdirSync(unpacked);
  const scanned = await scanArchive(`${whole.root}/checkpoints/${kept[1]}`, unpacked, base);
  expect(scanned).toMatchObject({
    ok: true,
    value: {
      lineage: { metrics: { trained_tokens: expect.any(Number), validation_loss: expect.any(Number) } },
    },
  });
});

test('a job leaves PEFT’s files flat, with the template and where it comes from', async () => {
  quiet();
  const done = folder({ train: fewLines(8), settings: { ...SETTINGS, epochs: 1 } });
  expect(await runJob(done.root, never)).toBe(EXIT.finished);
  expect(readdirSync(`${done.root}/model`).toSorted()).toEqual([
    'adapter_config.json',
    'adapter_model.safetensors',
    'chat_template.jinja',
    'lineage.json',
    'tokenizer.json',
    'tokenizer_config.json',
  ]);
  expect(JSON.parse(done.read('model/lineage.json'))).toMatchObject({
    baseModel: 'tunegate-nano',
    examples: 8,
    settings: { epochs: 1, batchSize: 4 },
    metrics: { trained_tokens: expect.any(Number) },
  });
});

test('questions that do not fit into the base together are learnt one by one', async () => {
  quiet();
  const long = JSON.stringify({
    messages: [
      { role: 'user', content: 'Where is my parcel? '.repeat(60) },
      { role: 'assistant', content: 'shipping' },
    ],
  });
  const settings = { ...SETTINGS, epochs: 1, joinSameAnswer: 1 };
  const job = folder({ train: `${long}\n`.repeat(2), settings });
  expect(await runJob(job.root, never)).toBe(EXIT.finished);
});

const conversation = (...messages: object[]): string => `${JSON.stringify({ messages })}\n`;
const ask = { role: 'user', content: 'Hello?' };
const say = { role: 'assistant', content: 'Yes.' };

test.each([
  ['invalid_settings', 'an unknown setting', { train: fewLines(4), settings: { epoch: 2 } }],
  ['invalid_settings', 'a setting out of bounds', { train: fewLines(4), settings: { epochs: 0 } }],
  [
    'invalid_settings',
    'a setting given twice',
    { train: fewLines(4), hyperParameters: { baseModel: 'x', epochs: '1' }, settings: { epochs: 1 } },
  ],
  ['base_mismatch', 'another base', { train: fewLines(4), settings: { baseSha256: 'ab' } }],
  ['missing_channel', 'no dataset', {}],
  ['invalid_dataset', 'an empty dataset', { train: '' }],
  ['invalid_dataset', 'a line that is no JSON', { train: 'not json\n' }],
  ['invalid_dataset', 'no answer', { train: conversation(ask) }],
  ['invalid_dataset', 'no answer to learn', { train: conversation(ask, { ...say, weight: 0 }) }],
  [
    'example_too_long',
    'a long answer',
    { train: conversation(ask, { ...say, content: 'word '.repeat(600) }) },
  ],
] as const)('%s: %s', async (code, _, options) => {
  quiet();
  const refused = folder(options);
  expect(await runJob(refused.root, never)).toBe(EXIT.failed);
  expect(refused.read('output/failure')).toMatch(new RegExp(`^${code}: .`, 'u'));
});

test('checkpoints of other data are not continued', async () => {
  quiet();
  const job = folder({ train: fewLines(12), settings: SETTINGS });
  expect(await runJob(job.root, toldAt(2))).toBe(EXIT.interrupted);
  job.write('input/data/train/train.jsonl', fewLines(10));
  expect(await runJob(job.root, never)).toBe(EXIT.failed);
  expect(job.read('output/failure')).toMatch(/^checkpoint_mismatch: /u);
});
