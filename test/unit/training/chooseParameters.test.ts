import { describe, expect, test } from 'vitest';
import { chooseAugmentation, chooseParameters } from '#core/training/chooseParameters.ts';

const classes = (examples: number) => chooseParameters({}, { examples, hasClasses: true });
const text = (examples: number) => chooseParameters({}, { examples, hasClasses: false });

describe('what is left to us', () => {
  test('few sentences are seen more often, and none more than a client could ask for', () => {
    expect(
      [classes(800), classes(400), classes(100), classes(1_000_000)].map(({ epochs }) => epochs),
    ).toEqual([15, 30, 50, 3]);
  });

  test('a text is repeated less often than a class, and not varied', () => {
    expect(text(800).epochs).toBe(10);
    expect(text(100).epochs).toBe(20);
    expect(Object.values(chooseAugmentation(false))).toEqual([0, 0, 0]);
  });

  test('what a client wishes is kept, and not called auto', () => {
    const chosen = chooseParameters(
      { epochs: 2, batchSize: 'auto', rank: 16 },
      { examples: 500, hasClasses: true },
    );
    expect(chosen).toMatchObject({ epochs: 2, rank: 16, auto: ['batchSize', 'learningRateMultiplier'] });
  });
});
