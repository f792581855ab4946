import type { TrainingJob } from './types.ts';

/** What a base model learns best with. */
const BASE_LEARNING_RATE = 3e-3;
/** What LoRA's authors and every library after them begin with: twice the rank. */
const ALPHA_PER_RANK = 2;

/** The trainers' settings of a job, by their own names (containers/training/tunegate_training/settings.py). */
export const trainerSettings = (job: TrainingJob) => ({
  baseModel: job.baseModel,
  rank: job.hyperParameters.rank,
  alpha: job.hyperParameters.rank * ALPHA_PER_RANK,
  seed: job.seed,
  epochs: job.hyperParameters.epochs,
  batchSize: job.hyperParameters.batchSize,
  learningRate: Number((BASE_LEARNING_RATE * job.hyperParameters.learningRateMultiplier).toPrecision(6)),
  // What is held apart has its own channel.
  validationShare: 0,
  wordDropout: job.augmentation.wordDropout,
  joinSameAnswer: job.augmentation.joinSameAnswer,
  shuffleWords: job.augmentation.shuffleWords,
});
