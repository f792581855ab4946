import { expect, test } from 'vitest';
import { refuseImport } from './layers.ts';
import { parseImports, readSources } from './sources.ts';

const sources = readSources();

test('every import stays within what its layer may import', () => {
  const refused = sources.flatMap(({ path, imports }) =>
    imports.flatMap((specifier) => {
      const reason = refuseImport(path, specifier);
      return reason === undefined ? [] : [`${path}: ${specifier} (${reason})`];
    }),
  );
  expect(refused).toEqual([]);
});

test.for([
  ['lib/core/ledger/rules.ts', '#io/world.ts'],
  ['lib/core/ledger/rules.ts', 'ulid'],
  ['lib/core/ledger/rules.ts', 'node:crypto'],
  ['lib/core/ledger/rules.ts', '../shared/money.ts'],
  ['lib/io/dynamodb/ledger.ts', '#api/errors.ts'],
  ['lib/io/dynamodb/ledger.ts', 'aws-cdk-lib'],
  ['lib/api/errors.ts', '#io/world.ts'],
  ['functions/chat/handler.ts', '#local/services/dynamodb.ts'],
  ['functions/chat/handler.ts', '@aws-sdk/client-sqs'],
  ['lib/infra/stacks/data.ts', '#io/wire/clients.ts'],
  ['lib/infra/stacks/data.ts', '#functions/chat/handler.ts'],
  ['lib/local/server.ts', '#infra/tunegate.ts'],
  ['scripts/build.ts', 'zod'],
] as const)('refuses that %s imports %s', ([path, specifier]) => {
  expect(refuseImport(path, specifier)).toBeTypeOf('string');
});

test.for([
  "import { a } from '#io/a.ts'",
  "import type { A } from '#io/a.ts'",
  "import '#io/a.ts'",
  "export { a } from '#io/a.ts'",
  "export * from '#io/a.ts'",
  "const a = await import('#io/a.ts')",
] as const)('sees the import in: %s', (code) => {
  expect(parseImports('lib/core/a.ts', code).imports).toEqual(['#io/a.ts']);
});

test('no file only hands on what others export', () => {
  expect(sources.filter((file) => file.isBarrel).map((file) => file.path)).toEqual([]);
  const barrel = "export * from './b.ts';\nexport { c } from './c.ts';";
  expect(parseImports('lib/core/a.ts', barrel).isBarrel).toBe(true);
});
