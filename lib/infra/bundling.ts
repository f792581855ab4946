/** Modules that no function needs whole, and what stands in their place. */
const STAND_INS = {
  '@aws-sdk/credential-provider-node': './lib/io/lambdaCredentials.ts',
  '@aws-sdk/endpoint-cache': './lib/io/noEndpointCache.ts',
  'node:http': './lib/io/plainHttp.ts',
} as const;

/**
 * How a handler becomes one file, in esbuild's own words: the stacks and the bundle report read the same.
 * `module` before `main`: the SDK's CommonJS build cannot be bundled into an ES module.
 */
export const BUNDLING = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  mainFields: ['module', 'main'],
  alias: STAND_INS,
  // The only JSON that code imports is each SDK client's package.json, 2 KB each, for the version in its user agent.
  loader: { '.json': 'empty' },
  minify: true,
  sourcemap: 'linked', // beside the bundle, so that a stack trace names our own lines
  sourcesContent: false,
} as const;

/** Where a function's code is, from the repository's root. */
export const handlerPath = (name: string): string => `functions/${name}/handler.ts`;
