import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, readSources, type SourceFile } from './sources.ts';

const { imports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const ALIASES = Object.entries<string>(imports).map(
  ([alias, to]) => [alias.replace('*', ''), to.replace(/^\.\/|\*$/g, '')] as const,
);

/** The file of ours that a specifier names; undefined for a package. */
function fileOf(importer: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return join(dirname(importer), specifier);
  const alias = ALIASES.find(([prefix]) => specifier.startsWith(prefix));
  return alias === undefined ? undefined : alias[1] + specifier.slice(alias[0].length);
}

/** Files in circles of imports, or between two of them: what is left when the ends of all chains are taken away. */
function findCircles(files: readonly Pick<SourceFile, 'path' | 'loaded'>[]): readonly string[] {
  let left = files.map(({ path, loaded }) => ({
    path,
    targets: loaded.map((specifier) => fileOf(path, specifier)),
  }));
  for (;;) {
    const paths = new Set<string | undefined>(left.map(({ path }) => path));
    const imported = new Set(left.flatMap(({ targets }) => targets));
    const inner = left.filter(
      ({ path, targets }) => imported.has(path) && targets.some((target) => paths.has(target)),
    );
    if (inner.length === left.length) return left.map(({ path }) => path);
    left = inner;
  }
}

test('no files import each other in a circle, but for their types', () => {
  expect(findCircles(readSources())).toEqual([]);
});

test('a circle is seen, a chain is none', () => {
  const chain = [
    { path: 'lib/core/a.ts', loaded: ['./b.ts', 'zod'] },
    { path: 'lib/core/b.ts', loaded: ['#core/c.ts'] },
  ];
  expect(findCircles([...chain, { path: 'lib/core/c.ts', loaded: [] }])).toEqual([]);
  const closed = [...chain, { path: 'lib/core/c.ts', loaded: ['#core/a.ts'] }];
  expect(findCircles(closed)).toEqual(['lib/core/a.ts', 'lib/core/b.ts', 'lib/core/c.ts']);
});
