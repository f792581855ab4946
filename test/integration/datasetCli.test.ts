import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '#cli/runCli.ts';
import { openDatabase } from '#local/openDatabase.ts';
import { bytesOf, chatLine } from '#test/builders/datasets.ts';
import { startFileDesk } from '#test/builders/files.ts';

let desk: Awaited<ReturnType<typeof startFileDesk>>;
let apiKey: string;
let folder: string;
beforeAll(async () => {
  desk = await startFileDesk();
  apiKey = (await desk.agency.newTenant('Northwind')).apiKey;
  folder = mkdtempSync(join(tmpdir(), 'tunegate-dataset-'));
}, 60_000);
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await desk.stop();
});

async function run(args: readonly string[], key = apiKey) {
  let out = '';
  let error = '';
  const code = await runCli(args, {
    env: { TUNEGATE_URL: desk.url, TUNEGATE_API_KEY: key },
    openDatabase,
    write: (text) => {
      out += text;
    },
    writeError: (text) => {
      error += text;
    },
  });
  return { code, out, error };
}

function file(name: string, ...lines: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, bytesOf(...lines));
  return path;
}
const good = () =>
  file('good.jsonl', chatLine('where is it', 'shipping'), chatLine('mail a@example.com', 'contact'));
const bad = () => file('bad.jsonl', chatLine('where is it', 'shipping'), '{"messages": []}');

test('check says that a file is good, or which line is wrong and what to do', async () => {
  const fine = await run(['dataset', 'check', good()]);
  expect(fine.code).toBe(0);
  expect(fine.out).toContain('2 examples, no mistakes');
  expect(fine.out).toContain('email in 1');
  const faulty = await run(['dataset', 'check', bad()]);
  expect(faulty.code).toBe(1);
  expect(faulty.out).toContain('bad.jsonl: 1 mistake in 2 lines.');
  expect(faulty.out).toMatch(
    /\nline 2: 'messages' must have at least 1 items\.\n {2}Write \{"messages": .*\n/,
  );
});

test('check prints the report that the API answers', async () => {
  const path = bad();
  const printed = JSON.parse((await run(['--json', 'dataset', 'check', path])).out);
  const pushed = await run(['--json', 'dataset', 'push', path]);
  expect(pushed.code).toBe(1);
  const { id } = JSON.parse(pushed.out);
  const answered = await fetch(`${desk.url}/files/${id}/report`, {
    headers: { authorization: `Bearer ${apiKey}` },
  });
  expect({ ...printed, file: id }).toEqual(await answered.json());
});

test('push uploads a small file with its request and a large one past the API', async () => {
  const small = await run(['dataset', 'push', good(), '--purpose', 'evals']);
  expect(small).toMatchObject({ code: 0, out: expect.stringMatching(/^file-\S+ {2}processed\n$/) });
  const large = file(
    'large.jsonl',
    ...Array.from({ length: 50 }, (_, i) => chatLine(`${i} ${'word '.repeat(18_000)}`, 'a')),
  );
  const checking = setInterval(() => void desk.checkQueued(), 500);
  const pushed = await run(['dataset', 'push', large]);
  clearInterval(checking);
  expect(pushed).toMatchObject({ code: 0, out: expect.stringContaining('processed') });
  expect(pushed.error).toContain('is being checked');
}, 60_000);

test.each([
  ['a file that is not there', ['dataset', 'check', 'nowhere.jsonl'], 2],
  ['a base model that is not known', ['dataset', 'check', '--base-model', 'other'], 2],
  ['an unknown purpose', ['dataset', 'push', '--purpose', 'vision'], 1],
])('refuses %s', async (_, args, code) => {
  const path = args.includes('nowhere.jsonl') ? [] : [good()];
  const refused = await run([...args, ...path]);
  expect(refused.code).toBe(code);
  expect(refused.error).toMatch(/^tunegate: |\ntunegate: /);
});

test('refuses to push with a wrong key', async () => {
  expect((await run(['dataset', 'push', good()], 'tg_wrong')).code).toBe(1);
});
