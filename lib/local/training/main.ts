import { parseArgs } from 'node:util';
import { DEFAULT_SETTINGS, trainLora } from './trainLora.ts';

// A process of its own, because training keeps the processor and the event loop busy for minutes. Tells each epoch as
// a JSON line on stdout.
const { values } = parseArgs({
  options: {
    base: { type: 'string', default: 'containers/bases/tunegate-nano' },
    train: { type: 'string' },
    out: { type: 'string' },
    epochs: { type: 'string', default: String(DEFAULT_SETTINGS.epochs) },
    rate: { type: 'string', default: String(DEFAULT_SETTINGS.learningRate) },
    validation: { type: 'string', default: String(DEFAULT_SETTINGS.validationShare) },
    'word-dropout': { type: 'string', default: '0' },
    'join-same-answer': { type: 'string', default: '0' },
    'shuffle-words': { type: 'string', default: '0' },
    seed: { type: 'string', default: String(DEFAULT_SETTINGS.seed) },
  },
});
if (values.train === undefined || values.out === undefined) {
  console.error(
    'usage: main.ts --train data.jsonl --out folder [--base folder] [--epochs n] [--rate x] [--seed n]',
  );
  process.exit(2);
}
const settings = {
  ...DEFAULT_SETTINGS,
  epochs: Number(values.epochs),
  learningRate: Number(values.rate),
  seed: Number(values.seed),
  validationShare: Number(values.validation),
  augmentation: {
    wordDropout: Number(values['word-dropout']),
    joinSameAnswer: Number(values['join-same-answer']),
    shuffleWords: Number(values['shuffle-words']),
  },
};
const lineage = await trainLora(
  { base: values.base, train: values.train, out: values.out },
  settings,
  (progress) => {
    if (Number.isInteger(progress.epoch)) console.log(JSON.stringify(progress));
  },
);
const rssMb = Math.round(process.memoryUsage.rss() / 1e6);
console.log(JSON.stringify({ seconds: lineage.seconds, rssMb }));
