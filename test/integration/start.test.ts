import { mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { DEMO_TENANTS } from '#local/demo/tenants.ts';
import {
  newDataDir,
  processesNaming,
  type RunningProduct,
  removeDataDir,
  startProduct,
  startRefused,
} from '#test/builders/product.ts';

const Tenant = z.object({ account: z.object({ available: z.string(), held: z.string() }) });

const Completion = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string() }) })),
});
const Adapter = z.object({
  status: z.string(),
  lineage: z.object({ dataset: z.object({ sha256: z.string() }) }),
});
const Usage = z.object({ total: z.object({ calls: z.number() }) });

// One product is started, used, killed and started again through the tests below, in their order.
const dataDir = newDataDir();
let product: RunningProduct;
beforeAll(async () => {
  product = await startProduct({ dataDir });
}, 60_000);
afterAll(async () => {
  await product.end('SIGKILL');
  removeDataDir(dataDir);
}, 30_000);

const api = (path: string, apiKey: string | undefined, init: RequestInit = {}) =>
  fetch(`${product.connection.baseUrl}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
  });
const accountOf = async (tenant: number) => {
  const { adminKey, tenants } = product.connection;
  const answer = await api(`/admin/tenants/${tenants[tenant]?.id}`, adminKey);
  return Tenant.parse(await answer.json()).account;
};
const available = async (tenant: number): Promise<string> => (await accountOf(tenant)).available;

test('writes connection.json for its owner alone, in the promised form', () => {
  const file = join(dataDir, 'connection.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const connection = JSON.parse(readFileSync(file, 'utf8'));
  expect(connection).toEqual({
    baseUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/v1$/),
    adminKey: expect.any(String),
    webhookKey: expect.stringMatching(/^whsec_/),
    dodoUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    tenants: [0, 1].map(() => ({
      id: expect.stringMatching(/^ten_/),
      name: expect.any(String),
      apiKey: expect.stringMatching(/^tg_/),
      model: expect.any(String),
    })),
  });
});

test('answers healthz, and says what to try and where each service listens', async () => {
  const health = await fetch(`${product.connection.baseUrl}/healthz`);
  expect([health.status, await health.json()]).toEqual([200, { status: 'ok' }]);
  const output = product.output();
  expect(output).toContain('curl -N');
  for (const service of ['DynamoDB', 'SQS and S3', 'SageMaker', 'Dodo', 'API Gateway']) {
    expect(output).toMatch(new RegExp(`${service}.*http://127\\.0\\.0\\.1:\\d+`));
  }
});

test('listens on the loopback alone', () => {
  const ours = new Set(processesNaming(dataDir).concat(product.process.pid ?? 0));
  const sockets = new Set([...ours].flatMap((pid) => socketsOf(pid)));
  const listening = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((field) => field[3] === '0A' && sockets.has(field[9] ?? '')),
  );
  expect(listening.length).toBeGreaterThan(4);
  for (const [, address] of listening) expect(address).toMatch(/^0100007F:/);
});

test('a second instance on the same data is refused in one line', async () => {
  const second = await startRefused(['--port', '0', '--data', dataDir]);
  expect(second.status).toBe(1);
  expect(second.stderr).toMatch(/^tunegate cannot start: another instance runs on .*\n$/);
});

test('keeps its state over a restart', async () => {
  const { adminKey, tenants } = product.connection;
  const granted = await api(`/admin/tenants/${tenants[0]?.id}/credits`, adminKey, {
    method: 'POST',
    body: JSON.stringify({ amount: '1.5', reason: 'kept over a restart' }),
  });
  expect(granted.status).toBe(200);
  const before = await available(0);
  const { status, tookMs } = await product.end();
  expect(status).toBe(0);
  expect(tookMs).toBeLessThan(5_000);
  product = await startProduct({ dataDir });
  expect(product.connection.tenants).toEqual(tenants);
  expect(product.connection.adminKey).toBe(adminKey);
  expect(await available(0)).toBe(before);
}, 60_000);

const chat = (tenant: number, body: object, signal?: AbortSignal) => {
  const { apiKey, model } = product.connection.tenants[tenant] ?? {};
  return api('/chat/completions', apiKey, {
    method: 'POST',
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'I was charged twice.' }], ...body }),
    ...(signal === undefined ? {} : { signal }),
  });
};

test('a demonstration tenant is answered, token by token, and charged', async () => {
  const before = Number(await available(0));
  const answer = await chat(0, { stream: true, max_tokens: 8 });
  expect(answer.status).toBe(200);
  const text = await answer.text();
  expect(text.split('\n\n').filter((event) => event.startsWith('data: ')).length).toBeGreaterThan(2);
  expect(text.trimEnd()).toMatch(/data: \[DONE\]$/);
  await expect.poll(() => available(0), { timeout: 15_000 }).not.toBe(String(before));
  await expect.poll(async () => (await accountOf(0)).held, { timeout: 15_000 }).toBe('0');
  expect(Number(await available(0))).toBeLessThan(before);
});

test('the two demonstration models answer one question differently, each by its own adapter', async () => {
  const answers = await Promise.all(
    [0, 1].map(async (tenant) => {
      const demo = DEMO_TENANTS.find(
        ({ modelAlias }) => modelAlias === product.connection.tenants[tenant]?.model,
      );
      const messages = [
        { role: 'system', content: demo?.systemPrompt },
        { role: 'user', content: demo?.sampleQuestion },
      ];
      const answer = await chat(tenant, { messages, temperature: 0 });
      return {
        adapter: answer.headers.get('x-tunegate-adapter'),
        body: Completion.parse(await answer.json()),
      };
    }),
  );
  // Each is in its tenant's own registry, proven, with where it comes from.
  const adapters = await Promise.all(
    answers.map(async ({ adapter }, tenant) =>
      Adapter.parse(
        await (await api(`/adapters/${adapter}`, product.connection.tenants[tenant]?.apiKey)).json(),
      ),
    ),
  );
  expect(adapters.map(({ status }) => status)).toEqual(['deployed', 'deployed']);
  expect(adapters[0]?.lineage.dataset.sha256).not.toBe(adapters[1]?.lineage.dataset.sha256);
  const [northwind, harbor] = answers.map(({ body }) => body.choices[0]?.message.content);
  expect(northwind).not.toBe(harbor);
});

test('an end in the middle of a stream still meters what was delivered', async () => {
  const answer = await chat(1, { stream: true, max_tokens: 400, stop: null });
  const reader = answer.body?.getReader();
  await reader?.read();
  await product.end();
  await reader?.cancel().catch(() => undefined);
  product = await startProduct({ dataDir });
  await expect.poll(async () => (await accountOf(1)).held, { timeout: 15_000 }).toBe('0');
  const usage = await api('/usage', product.connection.tenants[1]?.apiKey);
  expect(Usage.parse(await usage.json()).total.calls).toBe(2);
}, 60_000);

test('an end of npm is an end of all, whether it was told or killed', async () => {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    await product.end();
    product = await startProduct({ dataDir, viaNpm: true });
    const { tookMs } = await product.end(signal);
    expect(processesNaming(dataDir)).toEqual([]);
    expect(tookMs).toBeLessThan(5_000);
  }
  product = await startProduct({ dataDir });
}, 90_000);

test('killed outright, it leaves no process behind and starts again', async () => {
  const before = await available(0);
  const { tookMs } = await product.end('SIGKILL');
  expect(processesNaming(dataDir)).toEqual([]);
  expect(tookMs).toBeLessThan(5_000);
  product = await startProduct({ dataDir });
  expect(await available(0)).toBe(before);
}, 60_000);

test('--fresh begins with nothing, and leaves alone what is not its own', async () => {
  const { tenants } = product.connection;
  await product.end();
  const foreign = join(dataDir, 'notes.txt');
  writeFileSync(foreign, 'mine');
  product = await startProduct({ dataDir, fresh: true });
  expect(product.connection.tenants.map(({ id }) => id)).not.toEqual(tenants.map(({ id }) => id));
  expect(readFileSync(foreign, 'utf8')).toBe('mine');
}, 60_000);

test('a port in use, a bad option and a folder that cannot be used are refused in one line', async () => {
  const taken = createServer();
  const port = await new Promise<number>((resolve) => {
    taken.listen(0, '127.0.0.1', () => {
      const address = taken.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  const other = newDataDir();
  const file = join(other, 'file');
  writeFileSync(file, '');
  const damaged = join(other, 'damaged');
  mkdirSync(damaged);
  writeFileSync(join(damaged, 'secrets.json'), '{');
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['--port', String(port), '--data', other], /port \d+ is in use/],
    [['--port', 'http', '--data', other], /--port takes a number/],
    [['--prot', '1'], /Unknown option '--prot'/],
    [['--port', '0', '--data', '/proc/tunegate'], /\/proc\/tunegate/],
    [['--port', '0', '--data', file], /there is a file of that name/],
    [['--port', '0', '--data', join(file, 'below')], /not a folder/],
    [['--port', '0', '--data', damaged], /secrets\.json is damaged/],
  ];
  for (const [args, line] of cases) {
    const refused = await startRefused(args);
    expect([args, refused.status]).toEqual([args, 1]);
    expect(refused.stderr).toMatch(line);
    expect(refused.stderr.trimEnd().split('\n')).toHaveLength(1);
  }
  taken.close();
  removeDataDir(other);
}, 60_000);

function socketsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      const socket = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`));
      return socket?.[1] ?? [];
    });
  } catch {
    return [];
  }
}
