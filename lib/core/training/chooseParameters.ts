import type { Augmentation, HyperParameters, LoraRank } from './types.ts';

type Wished<T> = T | 'auto' | undefined;

/** What a client may ask; what is `auto` or absent is chosen here. */
export type WishedParameters = {
  readonly epochs?: Wished<number>;
  readonly batchSize?: Wished<number>;
  readonly learningRateMultiplier?: Wished<number>;
  readonly rank?: Wished<LoraRank>;
};

/** So many looks at examples, all epochs together, bring a small base to what it can learn of a few classes. */
const LOOKS = 8_000;
const EPOCHS = { fewest: 3, most: 20 };
const BATCH_SIZE = 16;
const RANK = 8;

/** The settings that a job is trained with, from what was wished and how many examples there are. */
export function chooseParameters(wished: WishedParameters, examples: number): HyperParameters {
  const auto: HyperParameters['auto'][number][] = [];
  const choose = <T>(name: HyperParameters['auto'][number], wish: Wished<T>, choice: T): T => {
    if (wish !== undefined && wish !== 'auto') return wish;
    auto.push(name);
    return choice;
  };
  const epochs = Math.min(EPOCHS.most, Math.max(EPOCHS.fewest, Math.round(LOOKS / examples)));
  return {
    epochs: choose('epochs', wished.epochs, epochs),
    batchSize: choose('batchSize', wished.batchSize, BATCH_SIZE),
    learningRateMultiplier: choose('learningRateMultiplier', wished.learningRateMultiplier, 1),
    rank: choose<LoraRank>('rank', wished.rank, RANK),
    auto,
  };
}

/** What made the demonstration's adapters answer more unseen questions right. Free text is left as it is. */
export const chooseAugmentation = (hasClasses: boolean): Augmentation =>
  hasClasses ? { wordDropout: 0.15, joinSameAnswer: 0.4 } : { wordDropout: 0, joinSameAnswer: 0 };
