import { globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'oxc-parser';

/** A TypeScript file of the repository with what it imports. `path` is relative to the root. */
export type SourceFile = {
  readonly path: string;
  readonly text: string;
  /** Every specifier of import, export … from and import(), as written. */
  readonly imports: readonly string[];
  /** Those of them that are there when it runs: not those of types alone, nor what is imported only when it is needed. */
  readonly loaded: readonly string[];
  /** True when it only hands on what other files export. */
  readonly isBarrel: boolean;
};

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const FOLDERS = '{bin,lib,functions,test}';

export const readSources = (): readonly SourceFile[] =>
  globSync(`${FOLDERS}/**/*.ts`, { cwd: ROOT })
    .sort()
    .map((path) => {
      const text = readFileSync(join(ROOT, path), 'utf8');
      return { path, text, ...parseImports(path, text) };
    });

/** What a file imports, found by a parser rather than by a pattern. Throws on a file that does not parse. */
export function parseImports(path: string, text: string): Omit<SourceFile, 'path' | 'text'> {
  const { module, errors, program } = parseSync(path, text);
  const [error] = errors;
  if (error !== undefined) throw new Error(`${path}: ${error.message}`);
  const imported = module.staticImports.map(({ moduleRequest, entries }) => ({
    specifier: moduleRequest.value,
    isTypes: entries.length > 0 && entries.every(({ isType }) => isType),
  }));
  const handedOn = module.staticExports.flatMap((statement) =>
    statement.entries.flatMap((entry) => (entry.moduleRequest == null ? [] : [entry.moduleRequest.value])),
  );
  const dynamic = module.dynamicImports.flatMap(({ moduleRequest: { start, end } }) =>
    literal(text.slice(start, end)),
  );
  return {
    imports: [...imported.map(({ specifier }) => specifier), ...handedOn, ...dynamic],
    loaded: [...imported.flatMap(({ specifier, isTypes }) => (isTypes ? [] : [specifier])), ...handedOn],
    isBarrel:
      handedOn.length > 0 &&
      program.body.every((statement) => 'source' in statement && statement.type.startsWith('Export')),
  };
}

const literal = (code: string): readonly string[] =>
  /^(['"`])[^$]*\1$/.test(code) ? [code.slice(1, -1)] : [];
