import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { runCli } from '#cli/runCli.ts';
import { reconcilePayment } from '#core/billing/reconcilePayment.ts';
import { openDatabase } from '#local/openDatabase.ts';
import { startDynamoDb } from '#local/services/dynamodb.ts';
import { createTables } from '#local/setup/createTables.ts';
import { ADMIN_KEY, type Agency, startAgency } from '#test/builders/agency.ts';
import { aPayment } from '#test/builders/payments.ts';
import { serveAgency } from '#test/builders/serveAgency.ts';

let agency: Agency;
let server: Awaited<ReturnType<typeof serveAgency>>;
let directory: string;
beforeAll(async () => {
  agency = await startAgency();
  server = await serveAgency(agency);
  directory = mkdtempSync(join(tmpdir(), 'tunegate-cli-'));
  const connection = { baseUrl: server.baseUrl, adminKey: ADMIN_KEY, tenants: [] };
  writeFileSync(join(directory, 'connection.json'), JSON.stringify(connection));
});
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true });
  await server.stop();
  await agency.stop();
});

let name: string;
let count = 0;
beforeEach(() => {
  name = `Client ${++count}`;
});

/** Runs a command line as a person would, in the data directory of this test. */
async function run(...args: readonly string[]) {
  return runWith({}, '--data', directory, ...args);
}

async function runWith(env: Readonly<Record<string, string>>, ...args: readonly string[]) {
  let out = '';
  let error = '';
  const code = await runCli(args, {
    env,
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

test('a client is taken from its creation to a key, a model and credits, by name', async () => {
  expect(await run('tenants', 'create', name, '--price-book', 'per-token')).toMatchObject({ code: 0 });
  expect((await run('tenants', 'list')).out).toMatch(new RegExp(`${name} +active +per-token`));

  const created = await run(
    'keys',
    'create',
    name,
    'production',
    '--scopes',
    'chat,models',
    '--expires',
    '90d',
  );
  const [, apiKey = ''] = /API KEY +(\S+)/.exec(created.out) ?? [];
  expect(created.out).toContain('shown only once');
  expect(await agency.call('GET', '/models', { key: apiKey })).toMatchObject({ status: 200 });
  expect((await run('keys', 'list', name)).out).toMatch(/production +active +chat models/);

  await agency.deployed((await json('tenants', 'show', name)).id, 'adp_01k');
  expect(await run('models', 'add', name, 'client/support', '--adapter', 'adp_01k')).toMatchObject({
    code: 0,
  });
  expect((await run('models', 'list', name)).out).toMatch(/client\/support +tunegate-nano +adp_01k +adp-01k/);
  expect(await run('models', 'remove', name, 'client/support')).toMatchObject({ code: 0 });

  expect((await run('credits', 'grant', name, '25', '--reason', 'welcome')).out).toMatch(/AVAILABLE +25\n/);
  expect((await run('credits', 'take', name, '0.5', '--reason', 'typo')).out).toMatch(/AVAILABLE +24\.5\n/);
  expect((await run('credits', 'show', name)).out).toMatch(/AVAILABLE +24\.5\n/);
  expect((await run('credits', 'entries', name)).out).toMatch(/debit +-0\.5 +admin +- +typo +admin-/);
  expect((await run('audit-log', '--tenant', name)).out).toMatch(/credits\.adjust +ten_\S+ +typo/);
});

test('a key is rotated with grace and revoked', async () => {
  await run('tenants', 'create', name);
  const key = await json('keys', 'create', name, 'app');
  const rotated = await json('keys', 'rotate', name, key.id, '--grace', '1h');
  expect(rotated).toMatchObject({ state: 'active', replaces: { id: key.id, state: 'expiring' } });
  expect(await json('keys', 'revoke', name, key.id, '--reason', 'leaked')).toMatchObject({
    state: 'revoked',
  });
  expect(await agency.call('GET', '/models', { key: key.api_key })).toMatchObject({ status: 401 });
  expect(await agency.call('GET', '/models', { key: rotated.api_key })).toMatchObject({ status: 200 });
});

test('limits are set one by one for a tenant and a key, and shown', async () => {
  await run('tenants', 'create', name);
  const key = await json('keys', 'create', name, 'app');
  await run(
    'limits',
    'set',
    name,
    '--requests',
    '60',
    '--month',
    '12.5',
    '--slow-to',
    '5',
    '--slow-for',
    '2h',
  );
  const set = await json('limits', 'set', name, '--tokens', '9000', '--month', 'none', '--reason', 'grown');
  expect(set).toMatchObject({
    requests_per_minute: 60,
    tokens_per_minute: 9_000,
    credits_per_month: null,
    on_unusual_use: { requests_per_minute: 5, minutes: 120 },
  });
  await run('limits', 'set', name, '--key', key.id, '--calls', '3');
  const shown = await run('limits', 'show', name);
  expect(shown.out).toMatch(/REQUESTS\/MIN +60\n/);
  expect(shown.out).toMatch(new RegExp(`${key.id} +- +- +3`));
  expect((await run('limits', 'show', name, '--key', key.id)).out).toMatch(/CALLS AT ONCE +3\n/);
  expect(await run('limits', 'set', name, '--requests', 'many')).toMatchObject({ code: 2 });
});

test('a tenant is suspended, resumed, and closed only with --yes', async () => {
  await run('tenants', 'create', name);
  expect(await json('tenants', 'suspend', name)).toMatchObject({ status: 'suspended' });
  expect(await json('tenants', 'resume', name)).toMatchObject({ status: 'active' });
  expect(await run('tenants', 'close', name)).toMatchObject({
    code: 2,
    error: expect.stringContaining('--yes'),
  });
  expect(await json('tenants', 'close', name, '--yes')).toMatchObject({ status: 'closed' });
});

test('an adjustment repeated under its idempotency key happens once', async () => {
  await run('tenants', 'create', name);
  const grant = () => json('credits', 'grant', name, '5', '--reason', 'x', '--idempotency-key', 'once');
  expect(await grant()).toMatchObject({ outcome: 'applied' });
  expect(await grant()).toMatchObject({ outcome: 'duplicate', account: { available: '5' } });
});

test('a refusal says what happened and what to do, and exits with 1', async () => {
  const unknown = await run('tenants', 'show', 'ten_01k00000000000000000000000');
  expect(unknown).toMatchObject({
    code: 1,
    out: '',
    error: expect.stringMatching(/no such tenant.*req-test/s),
  });
  expect(await run('tenants', 'show', 'Nobody')).toMatchObject({
    code: 1,
    error: expect.stringContaining('tenants list'),
  });
  await run('tenants', 'create', name);
  expect(await run('credits', 'take', name, '1', '--reason', 'x')).toMatchObject({
    code: 1,
    error: expect.stringContaining('Only 0 credits'),
  });
});

test('part of a name is not taken for it, but leads to it', async () => {
  await run('tenants', 'create', `${name} Limited`);
  expect(await run('tenants', 'suspend', name)).toMatchObject({
    code: 1,
    error: expect.stringContaining(`Did you mean ${name} Limited?`),
  });
});

test('a name that two tenants have asks for an id', async () => {
  await run('tenants', 'create', name);
  await run('tenants', 'create', name);
  expect(await run('tenants', 'show', name)).toMatchObject({
    code: 1,
    error: expect.stringContaining('Use an id'),
  });
});

test.each([
  ['an unknown command', ['tenants', 'lst'], 'list'],
  ['a missing argument', ['tenants', 'create'], 'name'],
  ['a missing reason', ['credits', 'grant', 'x', '5'], '--reason'],
  ['a wrong amount', ['credits', 'grant', 'x', 'five', '--reason', 'x'], 'such as 25'],
  ['a wrong duration', ['keys', 'create', 'x', 'y', '--expires', 'soon'], '90d'],
  ['a wrong address', ['--url', 'nonsense', '--admin-key', 'x', 'status'], 'https://'],
])('%s exits with 2 and helps', async (_, args, help) => {
  expect(await run(...args)).toMatchObject({ code: 2, error: expect.stringContaining(help) });
});

test('without a connection it says how to give one; with nothing there it exits with 3', async () => {
  const nowhere = await runWith({}, '--data', join(directory, 'nothing'), 'status');
  expect(nowhere).toMatchObject({ code: 2, error: expect.stringContaining('npm start') });
  const env = { TUNEGATE_URL: 'http://127.0.0.1:1/v1', TUNEGATE_ADMIN_KEY: 'x' };
  expect(await runWith(env, 'status')).toMatchObject({
    code: 3,
    error: expect.stringContaining('does not answer'),
  });
});

test('a wrong admin key is named as the fault, and no key is printed', async () => {
  const env = { TUNEGATE_URL: server.baseUrl, TUNEGATE_ADMIN_KEY: 'canary-key' };
  const { code, error } = await runWith(env, 'tenants', 'list');
  expect({ code, error }).toMatchObject({ code: 1, error: expect.stringContaining('TUNEGATE_ADMIN_KEY') });
  expect(error).not.toContain('canary-key');
});

test('status and pages work, as text and as JSON', async () => {
  await run('tenants', 'create', name);
  expect((await run('status')).out).toMatch(/STATUS +ok/);
  expect(JSON.parse((await run('status', '--json')).out)).toMatchObject({
    tenants: expect.any(Number),
    more_tenants: false,
  });
  expect(await run('usage', name, '--by', 'day,key,model')).toMatchObject({ code: 0 });
  const page = await run('tenants', 'list', '--limit', '1');
  expect(page.out).toMatch(/There are more: add --cursor ten_/);
  expect(await json('tenants', 'list', '--limit', '1')).toMatchObject({ object: 'list', has_more: true });
});

test('an audit reads the data of a stopped product, and says so when there is none', async () => {
  const dataDir = join(directory, 'stopped');
  expect(await run('--data', dataDir, 'audit')).toMatchObject({
    code: 2,
    error: expect.stringContaining('no data'),
  });

  mkdirSync(dataDir);
  const service = await startDynamoDb({ file: join(dataDir, 'dynamodb.sqlite') });
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new DynamoDBClient({ endpoint: service.url, region: 'us-east-1', credentials });
  await createTables(client, 'tunegate-');
  client.destroy();
  await service.stop();
  expect(await run('--data', dataDir, 'audit')).toMatchObject({
    code: 0,
    out: expect.stringMatching(/holds: 0 tenants/),
  });
  expect(JSON.parse((await run('--data', dataDir, '--json', 'audit')).out)).toMatchObject({ ok: true });
});

// Never `spawnSync`: the API that the other tests talk to runs in this process, and would stand still meanwhile.
async function runProgram(command: string, args: readonly string[]) {
  // As npx does: the node of this run comes first on the path.
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}` };
  const child = spawn(command, args, { env });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { stdout, stderr, status: await ended };
}

test('the script itself runs, and every command has help', async () => {
  const script = (...args: readonly string[]) => runProgram(join(process.cwd(), 'bin', 'cli.ts'), args);
  expect(await script('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('Exit codes') });
  expect((await script('keys', 'rotate', '--help')).stdout).toContain('grace period');
  expect((await runProgram('sh', ['-c', 'bin/cli.ts --help | head -1'])).stderr).toBe('');
  expect(await script('status', '--data', join(directory, 'nothing'))).toMatchObject({
    status: 2,
    stdout: '',
  });
});

test('a payment that fits no checkout is listed with its reason, until nothing needs a person', async () => {
  expect((await run('payments')).out).toBe('No payment needs a person.\n');
  const payment = aPayment({ checkoutId: null });
  const record = reconcilePayment({ checkout: undefined, record: undefined, payment, nowMs: 1 });
  await agency.deps.credits.store.savePayment(record);
  expect((await run('payments')).out).toMatch(/pay_1 +- +unmatched +unknown_checkout/);
  expect((await run('payments', '--settled')).out).toBe('No payments yet.\n');
});
