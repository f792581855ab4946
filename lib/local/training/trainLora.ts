import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { readSafetensors } from '#core/weights/safetensors.ts';
import { type BaseTokenizer, readTokenizer } from '#io/tokenizers.ts';
import { type BaseModel, readBaseModel } from '#local/engine/baseModel.ts';
import { type Conversation, type Example, makeExample, readTurns } from './examples.ts';
import { makeRandom, shuffled } from './random.ts';
import { type Progress, type RunSettings, runTraining } from './trainingRun.ts';
import { type Lineage, writeAdapter } from './writeAdapter.ts';

export type TrainingSettings = RunSettings & {
  /** The share of the conversations that is kept apart to watch the training. */
  readonly validationShare: number;
};

export const DEFAULT_SETTINGS: TrainingSettings = {
  rank: 8,
  alpha: 16,
  seed: 1,
  epochs: 8,
  batchSize: 16,
  learningRate: 3e-3,
  validationShare: 0.1,
  tokensPerPass: 4096,
  augmentation: { wordDropout: 0, joinSameAnswer: 0, shuffleWords: 0 },
};

export const THREADS = Math.min(4, availableParallelism());
const MAX_VALIDATION = 64;

/** Trains a LoRA adapter on a JSONL file and writes it as PEFT files. It computes for minutes: run it in a child process. */
export async function trainLora(
  paths: { readonly base: string; readonly train: string; readonly out: string },
  settings: TrainingSettings,
  tell: (progress: Progress) => void,
): Promise<Lineage> {
  const started = performance.now();
  const base = readBaseModel(paths.base);
  const data = readFileSync(paths.train);
  const { training, validation } = splitTurns(readTurns(data.toString('utf8')), settings);
  const encode = exampleEncoder(base, await readTokenizer(dirname(base.directory), base.id));
  const { tensors } = readSafetensors(readFileSync(join(paths.base, 'model.safetensors')));
  const task = { base, weights: tensors, encode, training, validation: validation.map(encode) };
  const outcome = await runTraining(task, settings, { tell }, THREADS);
  if (outcome.kind === 'interrupted') throw new Error('nobody interrupts this run');
  const lineage: Lineage = {
    baseModel: base.id,
    baseSha256: base.sha256,
    datasetSha256: createHash('sha256').update(data).digest('hex'),
    examples: training.length,
    settings,
    seconds: Math.round((performance.now() - started) / 1000),
  };
  writeAdapter(paths.out, outcome.state.parameters, lineage);
  return lineage;
}

/** Whole lines are kept apart: an earlier answer of a conversation would give away a later one. */
export function splitTurns(
  lines: readonly (readonly Conversation[])[],
  { seed, validationShare }: Pick<TrainingSettings, 'seed' | 'validationShare'>,
): { readonly training: readonly Conversation[]; readonly validation: readonly Conversation[] } {
  const order = shuffled(lines, makeRandom(seed));
  const held = Math.min(MAX_VALIDATION, Math.floor(order.length * validationShare));
  return { training: order.slice(held).flat(), validation: order.slice(0, held).flat() };
}

/** Cuts conversations into tokens as serving does. Throws example_too_long. */
export function exampleEncoder(
  base: Pick<BaseModel, 'config'>,
  tokenizer: BaseTokenizer,
): (conversation: Conversation) => Example {
  const limits = { endToken: base.config.eos_token_id, contextTokens: base.config.max_position_embeddings };
  return (conversation) => makeExample(tokenizer, conversation, limits);
}
