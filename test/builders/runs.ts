/**
 * How many times a property is tried: its own number in the test command, and what `npm run test:deep -- --runs N`
 * says otherwise. Every run draws new examples, unless the environment names a seed (`seed.ts`); a failure prints the one that repeats it.
 */
export function runs(usual: number): { readonly numRuns: number } {
  return { numRuns: askedRuns() ?? usual };
}

/** A property's time limit in the test command; none where somebody asked for more examples. */
export const patienceMs = (usual: number): number => (askedRuns() === undefined ? usual : 0);

function askedRuns(): number | undefined {
  const asked = Number(process.env['TUNEGATE_PROPERTY_RUNS']);
  return Number.isInteger(asked) && asked > 0 ? asked : undefined;
}
