/** What one tenant of an experiment brought in while it ran, in any unit that all tenants share. */
export type TenantOutcome = { readonly arm: string; readonly value: number };

export type ArmResult = {
  readonly arm: string;
  readonly tenants: number;
  readonly mean: number;
  /** The mean's difference to the first arm's; null for the first arm. */
  readonly difference: number | null;
  /**
   * How often a difference this large would come about if the arms did nothing: the two-sided p-value of a
   * permutation test against the first arm. Null for the first arm and where either has no tenants.
   */
  readonly pValue: number | null;
  /** The same, raised for as many comparisons as were made (Holm): of twenty arms that do nothing one looks different. */
  readonly pValueOfAll: number | null;
};

/** The smallest p-value that can come out is 1 in 10,000. */
const SHUFFLES = 9_999;

/**
 * Compares the arms of an experiment with its first one. The unit is the tenant, since tenants and not calls were
 * assigned. The test supposes nothing about how the values are spread, which few large tenants would upset. The same
 * outcomes give the same result: the shuffles come from a generator that always begins alike.
 */
export function compareArms(
  arms: readonly string[],
  outcomes: readonly TenantOutcome[],
): readonly ArmResult[] {
  const valuesOf = (arm: string) => outcomes.filter((one) => one.arm === arm).map(({ value }) => value);
  const first = valuesOf(arms[0] ?? '');
  const compared = arms.map((arm, index) => {
    const values = valuesOf(arm);
    const frame = { arm, tenants: values.length, mean: meanOf(values) };
    if (index === 0) return { ...frame, difference: null, pValue: null };
    const isKnown = first.length > 0 && values.length > 0;
    return {
      ...frame,
      difference: frame.mean - meanOf(first),
      pValue: isKnown ? permutationTest(first, values) : null,
    };
  });
  const raised = holm(compared.flatMap(({ pValue }) => pValue ?? []));
  return compared.map((one) => ({
    ...one,
    pValueOfAll: one.pValue === null ? null : (raised.get(one.pValue) ?? null),
  }));
}

/** Each p-value times the comparisons that are left once smaller ones are settled, and never below a smaller one's. */
function holm(pValues: readonly number[]): ReadonlyMap<number, number> {
  const raised = new Map<number, number>();
  let least = 0;
  for (const [index, pValue] of pValues.toSorted((a, b) => a - b).entries()) {
    least = Math.min(1, Math.max(least, pValue * (pValues.length - index)));
    if (!raised.has(pValue)) raised.set(pValue, least);
  }
  return raised;
}

function permutationTest(one: readonly number[], other: readonly number[]): number {
  const pool = [...one, ...other];
  const seen = Math.abs(meanOf(one) - meanOf(other));
  // Sums of the same numbers in another order may differ in their last digits.
  const atLeast = seen - 1e-9 * Math.max(1, seen);
  const total = pool.reduce((sum, value) => sum + value, 0);
  const next = generator();
  let asLarge = 0;
  for (let shuffle = 0; shuffle < SHUFFLES; shuffle += 1) {
    const sum = sumOfDrawn(pool, one.length, next);
    if (Math.abs(sum / one.length - (total - sum) / other.length) >= atLeast) asLarge += 1;
  }
  return (asLarge + 1) / (SHUFFLES + 1);
}

/** Draws values into the front of the pool without putting them back, and answers their sum. */
function sumOfDrawn(pool: number[], count: number, next: () => number): number {
  let sum = 0;
  for (let at = 0; at < count; at += 1) {
    const from = at + Math.floor(next() * (pool.length - at));
    const drawn = pool[from] ?? 0;
    pool[from] = pool[at] ?? 0;
    pool[at] = drawn;
    sum += drawn;
  }
  return sum;
}

/** Mulberry32: numbers from 0 to below 1, always the same ones. */
function generator(): () => number {
  let state = 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const meanOf = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
