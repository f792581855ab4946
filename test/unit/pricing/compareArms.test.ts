import { describe, expect, test } from 'vitest';
import { compareArms } from '#core/pricing/compareArms.ts';

const outcomes = (arm: string, values: readonly number[]) => values.map((value) => ({ arm, value }));
const compare = (one: readonly number[], other: readonly number[]) =>
  compareArms(['one', 'other'], [...outcomes('one', one), ...outcomes('other', other)])[1];

/** Every way to part the values in two such groups, counted one by one. */
function exactPValue(one: readonly number[], other: readonly number[]): number {
  const pool = [...one, ...other];
  const difference = (chosen: readonly number[]) => {
    const rest = pool.reduce((sum, value) => sum + value, 0) - chosen.reduce((sum, value) => sum + value, 0);
    return Math.abs(chosen.reduce((sum, value) => sum + value, 0) / one.length - rest / other.length);
  };
  const choices = (from: number, left: number): readonly (readonly number[])[] => {
    if (left === 0) return [[]];
    return pool
      .slice(from)
      .flatMap((value, n) => choices(from + n + 1, left - 1).map((rest) => [value, ...rest]));
  };
  const all = choices(0, one.length).map(difference);
  return all.filter((each) => each >= difference(one) - 1e-9).length / all.length;
}

describe('the p-value', () => {
  test.each([
    [
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ],
    [
      [1, 9, 3, 4, 2],
      [5, 6, 1, 8],
    ],
    [
      [0, 0, 0, 100],
      [1, 2, 3],
    ],
    [
      [5, 5, 5],
      [5, 5, 5],
    ],
  ])('of %j against %j is that of counting every parting', (one, other) => {
    expect(compare(one, other)?.pValue).toBeCloseTo(exactPValue(one, other), 1.7);
  });

  test('is small for arms far apart, and as small as shuffles can tell', () => {
    const near = Array.from({ length: 30 }, (_, n) => n);
    expect(
      compare(
        near,
        near.map((value) => value + 100),
      )?.pValue,
    ).toBe(0.0001);
  });

  test('calls arms without a difference different about one time in twenty', () => {
    let state = 1;
    const random = () => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    };
    const drawn = () => Array.from({ length: 8 }, () => random() ** 4 * 100);
    const found = Array.from({ length: 100 }, () => compare(drawn(), drawn())?.pValue ?? 1);
    const different = found.filter((pValue) => pValue < 0.05).length;
    expect(different).toBeLessThanOrEqual(12);
  });
});

test('each arm is compared with the first, by its tenants', () => {
  const compared = compareArms(
    ['a', 'b', 'c'],
    [...outcomes('a', [1, 3]), ...outcomes('b', [4, 6]), { arm: 'elsewhere', value: 1_000 }],
  );
  expect(compared).toMatchObject([
    { arm: 'a', tenants: 2, mean: 2, difference: null, pValue: null },
    { arm: 'b', tenants: 2, mean: 5, difference: 3 },
    { arm: 'c', tenants: 0, pValue: null },
  ]);
});

test('the same outcomes give the same result', () => {
  expect(compare([1, 5, 2], [7, 3, 9])).toEqual(compare([1, 5, 2], [7, 3, 9]));
});

test('with several arms each p-value is raised for all that were compared, the smallest most', () => {
  const spread = (base: number) => Array.from({ length: 12 }, (_, n) => base + ((n * 7) % 12));
  const compared = compareArms(
    ['a', 'b', 'c', 'd'],
    [
      ...outcomes('a', spread(0)),
      ...outcomes('b', spread(3)),
      ...outcomes('c', spread(40)),
      ...outcomes('d', spread(0.5)),
    ],
  );
  const plain = compared.map(({ pValue }) => pValue ?? 0);
  const [, b = 0, c = 0, d = 0] = plain;
  expect(c).toBeLessThan(b);
  expect(b).toBeLessThan(d);
  const raised = compared.map(({ pValueOfAll }) => pValueOfAll);
  // Holm: 3 × the smallest, 2 × the next, 1 × the last, never falling, never above 1.
  expect(raised).toEqual([null, Math.max(3 * c, 2 * b), 3 * c, Math.max(3 * c, 2 * b, d)]);
  expect(compare([1, 2, 3], [4, 5, 6])?.pValueOfAll).toBe(compare([1, 2, 3], [4, 5, 6])?.pValue);
});
