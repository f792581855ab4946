/**
 * How many times a property is tried: its own number in the test command, and what `npm run test:deep -- --runs N`
 * says otherwise. Every run draws new examples; a failure prints the seed that repeats it.
 */
export function runs(usual: number): { readonly numRuns: number } {
  const asked = Number(process.env['TUNEGATE_PROPERTY_RUNS']);
  return { numRuns: Number.isInteger(asked) && asked > 0 ? asked : usual };
}
