/**
 * How many times a property is tried: its own number in the test command, and what `npm run test:deep -- --runs N`
 * says otherwise. Every run draws new examples; a failure prints the seed that repeats it.
 */
export function runs(usual: number): { readonly numRuns: number } {
  return { numRuns: askedRuns() ?? usual };
}

/**
 * The same examples each time where a change waits for the result (`CI`), so that it is judged by what it changes; new
 * ones everywhere else, which is where faults are found.
 */
export function seedOf(name: string): { readonly seed?: number } {
  if (process.env['CI'] !== 'true' || askedRuns() !== undefined) return {};
  return { seed: [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) | 0, 7) };
}

/** A property's time limit in the test command; none where somebody asked for more examples. */
export const patienceMs = (usual: number): number => (askedRuns() === undefined ? usual : 0);

function askedRuns(): number | undefined {
  const asked = Number(process.env['TUNEGATE_PROPERTY_RUNS']);
  return Number.isInteger(asked) && asked > 0 ? asked : undefined;
}
