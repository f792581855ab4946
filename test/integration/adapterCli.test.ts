import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '#cli/runCli.ts';
import { scriptedEndpoint, startAdapterDesk } from '#test/builders/adapters.ts';
import { ADMIN_KEY } from '#test/builders/agency.ts';
import { adapterArchive, tarGz } from '#test/builders/archives.ts';

let at: Awaited<ReturnType<typeof startAdapterDesk>>;
let folder: string;
beforeAll(async () => {
  at = await startAdapterDesk();
  folder = mkdtempSync(join(tmpdir(), 'tunegate-adapters-cli-'));
}, 60_000);
afterAll(async () => {
  await at.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function run(...args: readonly string[]) {
  let out = '';
  let errors = '';
  const code = await runCli(['--url', at.url, '--admin-key', ADMIN_KEY, ...args], {
    env: {},
    write: (text) => {
      out += text;
    },
    writeError: (text) => {
      errors += text;
    },
    openDatabase: () => Promise.reject(new Error('no database is needed')),
  });
  return { code, out, errors };
}
const json = async (...args: readonly string[]) => JSON.parse((await run('--json', ...args)).out);
const file = (name: string, content: Uint8Array | string) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

test('an adapter goes through its whole life by the command', async () => {
  const { id: tenant } = await at.agency.newTenant();
  const probes = file(
    'probes.json',
    '{"probes": [{"messages": [{"role": "user", "content": "Where is it?"}]}]}',
  );
  const archive = file('adapter.tar.gz', adapterArchive());
  const { id } = await json('adapters', 'register', tenant, archive, '--probes', probes, '--reason', 'moved');

  const worker = at.desk(scriptedEndpoint().endpoint);
  const deploying = json('adapters', 'deploy', tenant, id);
  const working = setInterval(() => void at.work(worker), 100);
  expect(await deploying).toMatchObject({ id, status: 'deployed' });
  clearInterval(working);

  const list = await run('adapters', 'list', tenant);
  expect(list.out).toMatch(new RegExp(`${id}\\s+deployed\\s+-\\s+tunegate-nano\\s+8`));
  expect(list.out).not.toContain('[');
  const shown = await run('adapters', 'show', tenant, id);
  expect(shown.out).toMatch(/DATASET SHA-256\s+[0-9a-f]{64}/);
  expect(shown.out).toMatch(/ANSWERS COMPARED\s+2/);

  const output = join(folder, 'export.tar.gz');
  expect((await run('adapters', 'export', tenant, id, '--output', output)).code).toBe(0);
  expect(execFileSync('tar', ['-tzf', output], { encoding: 'utf8' })).toContain('gguf/adapter.gguf');
  expect(readFileSync(output).length).toBeGreaterThan(0);
  // Where it cannot be written, one line says so, and nothing half is left.
  for (const nowhere of [join(folder, 'no', 'such', 'folder.tar.gz'), folder]) {
    const failed = await run('adapters', 'export', tenant, id, '--output', nowhere);
    expect(failed).toMatchObject({ code: 2, errors: expect.stringMatching(/^tunegate: E[A-Z]+: .*\n$/) });
  }
  expect(existsSync(`${folder}.partial`)).toBe(false);

  expect(await json('adapters', 'undeploy', tenant, id)).toMatchObject({ status: 'registered' });
  await at.work(worker);
  expect(await json('adapters', 'retire', tenant, id)).toMatchObject({ status: 'retired' });
});

test('what is refused is told in one line, with exit code 1', async () => {
  const { id: tenant } = await at.agency.newTenant();
  const hostile = file('hostile.tar.gz', tarGz([{ name: 'model.py', data: 'import os' }]));
  const refused = await run('adapters', 'register', tenant, hostile);
  expect(refused.code).toBe(1);
  expect(refused.errors).toContain('"model.py" is not a file of an adapter');
  expect((await run('adapters', 'show', tenant, 'adp_none')).code).toBe(1);
  expect((await run('adapters', 'register', tenant, join(folder, 'none.tar.gz'))).code).toBe(2);
});
