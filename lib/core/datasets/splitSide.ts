export type Side = 'training' | 'validation';

/** A part in a million is as fine as a share is read. */
const STEPS = 1_000_000;

/**
 * On which side of the split an example stands, from `sha256(seed + newline + canonical line)`: the same for the same
 * seed, whatever else is in the file. `validationShare` is from 0 to 1.
 */
export function splitSide(hashOfSeedAndLine: string, validationShare: number): Side {
  const drawn = Number.parseInt(hashOfSeedAndLine.slice(0, 12), 16) % STEPS;
  return drawn < Math.round(validationShare * STEPS) ? 'validation' : 'training';
}
