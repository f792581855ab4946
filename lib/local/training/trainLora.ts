import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { readSafetensors } from '#core/weights/safetensors.ts';
import { readTokenizer } from '#io/tokenizers.ts';
import { type BaseModel, readBaseModel } from '#local/engine/baseModel.ts';
import { type Augmentation, augment } from './augment.ts';
import { type Conversation, type Example, makeExample, readConversations } from './examples.ts';
import { makeRandom, shuffled } from './random.ts';
import { type LoraSettings, type LoraTrainer, makeLoraTrainer } from './trainer.ts';
import { type Lineage, writeAdapter } from './writeAdapter.ts';

export type TrainingSettings = LoraSettings & {
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** The share of the conversations that is kept apart to watch the training. */
  readonly validationShare: number;
  readonly augmentation: Augmentation;
};

export const DEFAULT_SETTINGS: TrainingSettings = {
  rank: 8,
  alpha: 16,
  seed: 1,
  epochs: 8,
  batchSize: 16,
  learningRate: 3e-3,
  validationShare: 0.1,
  augmentation: { wordDropout: 0, joinSameAnswer: 0 },
};

/** What a run tells while it goes on, one JSON line each. */
export type TrainingEvent =
  | {
      readonly event: 'started';
      readonly examples: number;
      readonly validation: number;
      readonly trainable: number;
    }
  | {
      readonly event: 'epoch';
      readonly epoch: number;
      readonly trainLoss: number;
      readonly validationLoss: number;
      readonly validationExact: number;
      readonly tokensPerSecond: number;
    }
  | { readonly event: 'finished'; readonly seconds: number; readonly rssMb: number };

const THREADS = Math.min(4, availableParallelism());
const WARM_UP_STEPS = 10;
const FINAL_RATE = 0.05; // of the learning rate
const MAX_VALIDATION = 64;
/** Batches are cut from this many neighbours sorted by length: little padding, and still a random order. */
const BUCKET_BATCHES = 8;

/** Trains a LoRA adapter on a JSONL file and writes it as PEFT files. It computes for minutes: run it in a child process. */
export async function trainLora(
  paths: { readonly base: string; readonly train: string; readonly out: string },
  settings: TrainingSettings,
  tell: (event: TrainingEvent) => void,
): Promise<Lineage> {
  const started = performance.now();
  const base = readBaseModel(paths.base);
  const data = readFileSync(paths.train);
  const random = makeRandom(settings.seed);
  const encode = await exampleEncoder(base);
  const conversations = shuffled(readConversations(data.toString('utf8')), random);
  const held = Math.min(MAX_VALIDATION, Math.floor(conversations.length * settings.validationShare));
  const validation = conversations.slice(0, held).map(encode);
  const training = conversations.slice(held);
  const { tensors } = readSafetensors(readFileSync(join(paths.base, 'model.safetensors')));
  const trainer = await makeLoraTrainer(base.config, tensors, settings, THREADS);
  const trainable = trainer.parameters.reduce((sum, parameter) => sum + parameter.values.length, 0);
  tell({ event: 'started', examples: training.length, validation: held, trainable });

  const steps = settings.epochs * Math.ceil(training.length / settings.batchSize);
  let step = 0;
  for (let epoch = 1; epoch <= settings.epochs; epoch++) {
    const epochStarted = performance.now();
    let loss = 0;
    let tokens = 0;
    const examples = augment(training, settings.augmentation, random).map(encode);
    const batches = cutBatches(examples, settings.batchSize, random);
    for (const batch of batches) {
      const done = await trainer.step(batch, rateAt(step, steps, settings.learningRate));
      step += 1;
      loss += done.loss;
      tokens += done.tokens;
    }
    const checked = await validate(trainer, validation, settings.batchSize);
    tell({
      event: 'epoch',
      epoch,
      trainLoss: rounded(loss / batches.length),
      ...checked,
      tokensPerSecond: Math.round(tokens / ((performance.now() - epochStarted) / 1000)),
    });
  }
  const lineage: Lineage = {
    baseModel: base.id,
    baseSha256: base.sha256,
    datasetSha256: createHash('sha256').update(data).digest('hex'),
    examples: training.length,
    settings,
    seconds: Math.round((performance.now() - started) / 1000),
  };
  writeAdapter(paths.out, trainer.parameters, lineage);
  await trainer.close();
  tell({ event: 'finished', seconds: lineage.seconds, rssMb: Math.round(process.memoryUsage.rss() / 1e6) });
  return lineage;
}

async function exampleEncoder(base: BaseModel): Promise<(conversation: Conversation) => Example> {
  const tokenizer = await readTokenizer(dirname(base.directory), base.id);
  const limits = { endToken: base.config.eos_token_id, contextTokens: base.config.max_position_embeddings };
  return (conversation) => makeExample(tokenizer, conversation, limits);
}

function cutBatches(
  examples: readonly Example[],
  size: number,
  random: () => number,
): readonly (readonly Example[])[] {
  const order = shuffled(examples, random);
  const batches: (readonly Example[])[] = [];
  for (let start = 0; start < order.length; start += size * BUCKET_BATCHES) {
    const bucket = order
      .slice(start, start + size * BUCKET_BATCHES)
      .toSorted((a, b) => a.tokens.length - b.tokens.length);
    for (let at = 0; at < bucket.length; at += size) batches.push(bucket.slice(at, at + size));
  }
  return shuffled(batches, random);
}

/** Rises over the first steps, then falls in a straight line. */
const rateAt = (step: number, steps: number, rate: number): number =>
  rate * Math.min(1, (step + 1) / WARM_UP_STEPS) * Math.max(FINAL_RATE, 1 - step / steps);

async function validate(trainer: LoraTrainer, examples: readonly Example[], batchSize: number) {
  let loss = 0;
  let exact = 0;
  for (let at = 0; at < examples.length; at += batchSize) {
    const batch = examples.slice(at, at + batchSize);
    const checked = await trainer.evaluate(batch);
    loss += checked.loss * batch.length;
    exact += checked.exact * batch.length;
  }
  const count = Math.max(1, examples.length);
  return { validationLoss: rounded(loss / count), validationExact: rounded(exact / count) };
}

const rounded = (value: number): number => Math.round(value * 10_000) / 10_000;
