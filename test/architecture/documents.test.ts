import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from './sources.ts';

const OUTSIDE = /^(node_modules|cdk\.out|reports|coverage|dist|\.git|\.tunegate)$/;
const documents = globSync('**/*.md', { cwd: ROOT, exclude: (path) => OUTSIDE.test(path) });
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const headingId = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s-]/gu, '')
    .replaceAll(' ', '-');

test('every link of a document leads to a file, and to a heading of it where it names one', () => {
  const broken = documents.flatMap((path) =>
    [...read(path).matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].flatMap(
      ([link, to = '', heading]) => {
        const target = to === '' ? path : join(dirname(path), to);
        if (!existsSync(join(ROOT, target))) return `${path}: ${link}`;
        if (heading === undefined) return [];
        const ids = [...read(target).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => headingId(title));
        return ids.includes(heading) ? [] : `${path}: ${link}`;
      },
    ),
  );
  expect(documents.length).toBeGreaterThan(10);
  expect(broken).toEqual([]);
});

test('each decision has a number of its own, the same in its name and its title', () => {
  const decisions = documents.filter((path) => path.startsWith('docs/decisions/'));
  const numbers = decisions.map((path) => basename(path).slice(0, 4));
  expect(new Set(numbers).size).toBe(numbers.length);
  const mistitled = decisions.filter(
    (path) => !read(path).startsWith(`# ${Number(basename(path).slice(0, 4))}. `),
  );
  expect(mistitled).toEqual([]);
});
