import type { Example } from './examples.ts';
import { shuffled } from './random.ts';

const WARM_UP_STEPS = 10;
const FINAL_RATE = 0.05; // of the learning rate
/** Batches are cut from this many neighbours sorted by length: little padding, and still a random order. */
const BUCKET_BATCHES = 8;

/** Every example once, `size` to a batch, in an order that only `random` decides. */
export function cutBatches(
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

/** The learning rate of a step: rises over the first steps, then falls in a straight line. */
export const rateAt = (step: number, steps: number, rate: number): number =>
  rate * Math.min(1, (step + 1) / WARM_UP_STEPS) * Math.max(FINAL_RATE, 1 - step / steps);
