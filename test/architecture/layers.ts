/** What the files of a folder may import. Own layers by name, packages by theirs, `node:*` as `node`. */
export type Layer = {
  readonly folder: string;
  readonly layers: readonly string[];
  readonly packages: readonly string[];
};

const HTTP_EDGE = ['@middy/*', '@aws-lambda-powertools/*', 'aws-lambda'];

/** The table of docs/architecture.md as data. */
export const LAYERS: readonly Layer[] = [
  { folder: 'lib/core', layers: ['core'], packages: ['zod'] },
  {
    folder: 'lib/io',
    layers: ['core', 'io'],
    packages: [
      'node',
      'zod',
      '@aws-sdk/*',
      '@smithy/*',
      '@huggingface/*',
      'dodopayments',
      'standardwebhooks',
      'ulid',
      'tar',
      'validator',
      'tinypdf',
      'hyparquet',
      'csv-parse',
      '@aws-lambda-powertools/*',
    ],
  },
  { folder: 'lib/api', layers: ['core', 'api'], packages: ['node', 'zod', ...HTTP_EDGE] },
  { folder: 'functions', layers: ['core', 'io', 'api'], packages: HTTP_EDGE },
  {
    folder: 'lib/infra',
    layers: ['infra', 'api', 'io/definitions', 'containers/serving'],
    packages: ['node', 'aws-cdk-lib', 'constructs', 'cdk-nag', 'esbuild', '@swc/core'],
  },
  { folder: 'lib/cli', layers: ['core', 'io', 'api', 'functions', 'cli'], packages: ['*'] },
  { folder: 'lib/local', layers: ['core', 'io', 'api', 'functions', 'local'], packages: ['*'] },
  { folder: 'bin', layers: ['infra', 'cli', 'local'], packages: ['node', 'aws-cdk-lib', 'commander'] },
  {
    folder: 'test',
    layers: ['core', 'io', 'api', 'functions', 'infra', 'cli', 'local', 'test'],
    packages: ['*'],
  },
];

/** Says why a file may not import this, or undefined when it may. */
export function refuseImport(path: string, specifier: string): string | undefined {
  if (specifier.startsWith('..')) return 'leaves its folder: write #layer/…';
  if (specifier.startsWith('./')) return undefined;
  const layer = LAYERS.find(({ folder }) => path.startsWith(`${folder}/`));
  if (layer === undefined) return 'the folder is not in the table';
  if (specifier.startsWith('#')) {
    const allowed = layer.layers.some((name) => specifier.startsWith(`#${name}/`));
    return allowed
      ? undefined
      : `${layer.folder} may import ${layer.layers.map((name) => `#${name}`).join(', ')}`;
  }
  const name = packageOf(specifier);
  const allowed = layer.packages.some(
    (pattern) =>
      pattern === '*' ||
      pattern === name ||
      (pattern.endsWith('/*') && name.startsWith(pattern.slice(0, -1))),
  );
  return allowed ? undefined : `${layer.folder} may use ${layer.packages.join(', ')}`;
}

function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return 'node';
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
