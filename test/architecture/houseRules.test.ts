import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, readSources } from './sources.ts';

const HANDLER_LINES = 25;
const FILE_LINES = 300;

/** Files that may be longer, each with its reason. */
const LONGER: Readonly<Record<string, string>> = {
  'lib/api/routes.ts': 'one table of routes, read from top to bottom',
  'lib/io/definitions/functions.ts': 'one table of functions, read from top to bottom',
};

const sources = readSources();
const lines = (text: string) => text.trimEnd().split('\n').length;
const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');

test(`a handler has at most ${HANDLER_LINES} lines and its folder nothing else`, () => {
  const functions = sources.filter(({ path }) => path.startsWith('functions/'));
  const strays = functions.filter(({ path }) => !/^functions\/[a-z-]+\/handler\.ts$/.test(path));
  expect(strays.map(({ path }) => path)).toEqual([]);
  const long = functions.filter(({ text }) => lines(text) > HANDLER_LINES);
  expect(long.map(({ path, text }) => `${path}: ${lines(text)}`)).toEqual([]);
});

test(`a file has at most ${FILE_LINES} lines, or a reason`, () => {
  const long = sources.filter(({ path, text }) => lines(text) > FILE_LINES && LONGER[path] === undefined);
  expect(long.map(({ path, text }) => `${path}: ${lines(text)}`)).toEqual([]);
});

test('the core reads neither clock nor chance nor the world', () => {
  const world =
    /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\.|\bcrypto\.(randomUUID|getRandomValues)|\bprocess\.|\bfetch\(/;
  const impure = sources.filter(
    ({ path, text }) => path.startsWith('lib/core/') && world.test(withoutComments(text)),
  );
  expect(impure.map(({ path }) => path)).toEqual([]);
});

test('what functions are made of imports no JSON, which bundles leave out', () => {
  const bundled = /^(?:functions|lib\/(?:core|io|api))\//;
  const importing = sources.filter(
    ({ path, text }) => bundled.test(path) && /^(?:import|export)\b.*\.json'/m.test(withoutComments(text)),
  );
  expect(importing.map(({ path }) => path)).toEqual([]);
});

test('nothing names a machine or a registry', () => {
  const machine = /(?<![\w.*:/-])\/(?:work|home|Users)\/[a-z]/;
  const files = globSync('**/*.{ts,md,json,yml,py}', {
    cwd: ROOT,
    exclude: (path) => /^(node_modules|cdk\.out|reports|coverage|dist|\.git|\.tunegate)$/.test(path),
  });
  const naming = files.filter((path) => machine.test(readFileSync(join(ROOT, path), 'utf8')));
  expect(naming).toEqual([]);
  expect(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).not.toContain('"resolved": "http');
  expect(readFileSync(join(ROOT, '.npmrc'), 'utf8')).not.toMatch(/registry\s*=/);
});
