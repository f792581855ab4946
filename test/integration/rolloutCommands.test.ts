import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '#cli/runCli.ts';
import { openDatabase } from '#local/openDatabase.ts';
import { ADMIN_KEY, type Agency, startAgency } from '#test/builders/agency.ts';
import { serveAgency } from '#test/builders/serveAgency.ts';

let agency: Agency;
let server: Awaited<ReturnType<typeof serveAgency>>;
beforeAll(async () => {
  agency = await startAgency();
  server = await serveAgency(agency);
});
afterAll(async () => {
  await server.stop();
  await agency.stop();
});

async function run(...args: readonly string[]) {
  let out = '';
  let error = '';
  const code = await runCli(args, {
    env: { TUNEGATE_URL: server.baseUrl, TUNEGATE_ADMIN_KEY: ADMIN_KEY },
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
const json = async (...args: readonly string[]) => JSON.parse((await run('--json', ...args)).out);

test('a version is rolled out by degrees and taken back', async () => {
  const name = 'Northwind';
  const tenant = await json('tenants', 'create', name);
  await agency.deployed(tenant.id, 'adp_one', 'adp_two');
  await run('models', 'add', name, 'client/support', '--adapter', 'adp_one');
  const rollout = (act: string, ...rest: readonly string[]) =>
    run('rollout', act, name, 'client/support', ...rest);
  expect((await rollout('canary', '10', '--adapter', 'adp_two', '--reason', 'first tenth')).out).toMatch(
    /CANARY +adp_two\nCANARY PERCENT +10\n/,
  );
  expect((await rollout('canary', '50', '--revision', '1')).out).toMatch(/CANARY PERCENT +50\n/);
  expect(await rollout('promote', '--revision', '1')).toMatchObject({ code: 1 });
  expect((await rollout('promote')).out).toMatch(/STABLE +adp_two\n/);
  expect((await rollout('shadow', '100', '--adapter', 'none', '--component', 'tunegate-nano')).out).toMatch(
    /SHADOW +tunegate-nano\nSHADOW PERCENT +100\n/,
  );
  expect((await rollout('shadow', '0')).code).toBe(0);
  expect((await rollout('rollback', '--reason', 'worse')).out).toMatch(/STABLE +adp_one\n/);
  const shown = await rollout('show');
  expect(shown.out).toMatch(/6 +\S+ \S+ +rollback +adp_one .* admin-\S+ +worse\n/);
  expect(shown.out).toMatch(/1 +\S+ \S+ +canary +adp_one +adp_two +10 .* first tenth\n/);
  expect((await json('rollout', 'show', name, 'client/support')).history.data).toHaveLength(6);
  expect((await rollout('canary', '101', '--adapter', 'adp_two')).code).toBe(2);
  const engine = ['--engine-url', 'http://gpu.example.com/v1'];
  expect(await rollout('promote', '--adapter', 'adp_two', ...engine)).toMatchObject({
    code: 1,
    error: expect.stringContaining('https://'),
  });
  // What would have no effect is a mistake, and is not passed over.
  for (const unclear of [
    ['--engine-model', 'acme/v2'],
    ['--engine-timeout', '30'],
    ['--endpoint', 'acme', '--shared-endpoint'],
    ['--endpoint', 'acme', ...engine],
    ['--shared-endpoint', ...engine],
  ])
    expect(await rollout('promote', '--adapter', 'adp_two', ...unclear)).toMatchObject({ code: 2 });
});
