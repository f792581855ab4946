import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Tensor as StoredTensor } from '#core/weights/safetensors.ts';
import type { BaseModel } from '#local/engine/baseModel.ts';
import { type Augmentation, augment } from './augment.ts';
import type { Conversation, Example } from './examples.ts';
import { TrainingFailure } from './failures.ts';
import { makeRandom } from './random.ts';
import { cutBatches, rateAt } from './schedule.ts';
import { type LoraSettings, type LoraTrainer, makeLoraTrainer, type TrainedParameter } from './trainer.ts';

export type RunSettings = LoraSettings & {
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly augmentation: Augmentation;
};

export type TrainingTask = {
  readonly base: Pick<BaseModel, 'config'>;
  readonly weights: ReadonlyMap<string, StoredTensor>;
  readonly encode: (conversation: Conversation) => Example;
  /** What is learnt. */
  readonly training: readonly Conversation[];
  /** What is only watched; may be empty. */
  readonly validation: readonly Example[];
};

/** Where a run stands after a step. Everything but the times is the same in a run that was interrupted. */
export type Progress = {
  readonly step: number;
  readonly steps: number;
  /** Epochs done, with their part: 1.5. */
  readonly epoch: number;
  /** Of an answer's token: the step's, and at an epoch's end the mean over its steps. */
  readonly trainLoss: number;
  /** Tokens of all examples that went through, padding not counted. */
  readonly trainedTokens: number;
  readonly tokensPerSecond: number;
  /** At an epoch's end, where there is something to validate with. */
  readonly validation?: { readonly loss: number; readonly exact: number };
};

/** All that a run is made of after `step` steps. The arrays are the run's own: write them away before it goes on. */
export type RunState = {
  step: number;
  trainedTokens: number;
  /** Sum of the losses of the epoch's steps so far. */
  epochLoss: number;
  readonly parameters: readonly TrainedParameter[];
  readonly adam: LoraTrainer['adam'];
};

export type RunHooks = {
  /** Puts a checkpoint's values into the state, where there is one. */
  readonly restore?: (state: RunState) => void;
  /** Asked before each step, with the steps done since the start or the checkpoint. */
  readonly beforeStep?: (state: RunState, stepsHere: number) => 'go on' | 'end';
  readonly tell: (progress: Progress) => void;
  /** At each epoch's end, once it was told, with the weights as they are then. */
  readonly endEpoch?: (state: RunState, progress: Progress) => void;
};

export type Outcome =
  | { readonly kind: 'finished'; readonly state: RunState; readonly last: Progress | undefined }
  | { readonly kind: 'interrupted' };

/**
 * Trains to the end, or until `beforeStep` ends it. Order and variation of the examples depend on the seed and the
 * epoch alone, so a run that goes on from a checkpoint does the same steps. Throws training_diverged.
 */
export async function runTraining(
  task: TrainingTask,
  settings: RunSettings,
  hooks: RunHooks,
  threads: number,
): Promise<Outcome> {
  const trainer = await makeLoraTrainer(task.base.config, task.weights, settings, threads);
  try {
    return await steps(trainer, task, settings, hooks);
  } finally {
    await trainer.close();
  }
}

async function steps(
  trainer: LoraTrainer,
  task: TrainingTask,
  settings: RunSettings,
  hooks: RunHooks,
): Promise<Outcome> {
  const { parameters, adam } = trainer;
  const state: RunState = { step: 0, trainedTokens: 0, epochLoss: 0, parameters, adam };
  hooks.restore?.(state);
  const perEpoch = stepsPerEpoch(task.training, settings);
  const total = perEpoch * settings.epochs;
  const from = state.step;
  const batchesOf = epochBatches(task, settings);
  let last: Progress | undefined;
  while (state.step < total) {
    const epoch = Math.floor(state.step / perEpoch);
    for (const batch of batchesOf(epoch).slice(state.step - epoch * perEpoch)) {
      await nextTurn(); // a signal is heard between steps
      if (hooks.beforeStep?.(state, state.step - from) === 'end') return { kind: 'interrupted' };
      const began = performance.now();
      const loss = await trainer.step(batch, rateAt(state.step, total, settings.learningRate));
      if (!Number.isFinite(loss)) {
        throw new TrainingFailure(
          'training_diverged',
          `the loss is no number at step ${state.step + 1}: try a lower learning rate`,
        );
      }
      const tokens = batch.reduce((sum, example) => sum + example.tokens.length, 0);
      state.step += 1;
      state.trainedTokens += tokens;
      state.epochLoss += loss;
      const ended = state.step === (epoch + 1) * perEpoch;
      const progress: Progress = {
        step: state.step,
        steps: total,
        epoch: state.step / perEpoch,
        trainLoss: ended ? state.epochLoss / perEpoch : loss,
        trainedTokens: state.trainedTokens,
        tokensPerSecond: (1_000 * tokens) / (performance.now() - began),
      };
      if (ended) state.epochLoss = 0;
      last = ended ? { ...progress, ...(await validated(trainer, task.validation, settings)) } : progress;
      hooks.tell(last);
      if (ended) hooks.endEpoch?.(state, last);
    }
  }
  return { kind: 'finished', state, last };
}

export const stepsPerEpoch = (
  training: TrainingTask['training'],
  { batchSize }: Pick<RunSettings, 'batchSize'>,
): number => Math.ceil(training.length / batchSize);

/** The steps of an epoch. Without variation every epoch has the same examples, cut into tokens once. */
function epochBatches(
  { training, encode }: TrainingTask,
  { augmentation, batchSize, seed }: RunSettings,
): (epoch: number) => readonly (readonly Example[])[] {
  const varies = Object.values(augmentation).some((chance) => chance > 0);
  const plain = varies ? [] : training.map(encode);
  return (epoch) => {
    const random = makeRandom(epochSeed(seed, epoch));
    const examples = varies
      ? augment(training, augmentation, random).map((varied, at) =>
          encodeVaried(encode, varied, training[at]),
        )
      : plain;
    return cutBatches(examples, batchSize, random);
  };
}

/** Two questions joined can be too long for the base, though each of them fits: then the conversation stays as it is. */
function encodeVaried(
  encode: TrainingTask['encode'],
  varied: Conversation,
  original: Conversation = varied,
): Example {
  try {
    return encode(varied);
  } catch (error) {
    if (error instanceof TrainingFailure && error.code === 'example_too_long') return encode(original);
    throw error;
  }
}

/** Far apart for neighbouring seeds and epochs. */
const epochSeed = (seed: number, epoch: number): number =>
  (Math.imul(seed, 0x9e3779b1) ^ Math.imul(epoch + 1, 0x85ebca6b)) >>> 0;

async function validated(
  trainer: LoraTrainer,
  examples: readonly Example[],
  { batchSize }: RunSettings,
): Promise<Pick<Progress, 'validation'>> {
  if (examples.length === 0) return {};
  let loss = 0;
  let exact = 0;
  for (let at = 0; at < examples.length; at += batchSize) {
    const batch = examples.slice(at, at + batchSize);
    const checked = await trainer.evaluate(batch);
    loss += checked.loss * batch.length;
    exact += checked.exact;
  }
  return { validation: { loss: loss / examples.length, exact: exact / examples.length } };
}
