import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { runCli } from '#cli/runCli.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { SECRETS, TABLES } from '#io/definitions/resources.ts';
import { makeSecretsServer } from '#local/host/secretsServer.ts';
import { openDatabase } from '#local/openDatabase.ts';
import { listenOnLoopback } from '#local/shared/serviceMain.ts';
import { ADMIN_KEY, type Agency, NOBODY, refusal, startAgency } from '#test/builders/agency.ts';
import { lambdaContext } from '#test/builders/http.ts';
import { aCharge, aGrant } from '#test/builders/ledger.ts';
import { serveAgency } from '#test/builders/serveAgency.ts';

const TOKEN = 'session-token';
const SECRET_ID = 'the-seal-key';
const DAY_MS = 86_400_000;

let agency: Agency;
let directory: string;
beforeAll(async () => {
  agency = await startAgency();
  directory = mkdtempSync(join(tmpdir(), 'tunegate-seals-'));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
  await agency.stop();
});

/** A tenant with credits and one charge at a moment. */
async function tenantWithCharge(name: string, atMs: number) {
  const tenant = await agency.newTenant(name);
  const id = tenant.id as TenantId;
  const { ledger } = agency.deps;
  await ledger.grant(aGrant(id, name, { nowMs: atMs - 1, amountMicro: micro(1_000) }));
  await ledger.settle(id, [aCharge(id, name, 7, { startedAtMs: atMs })]);
  return { ...tenant, id };
}

test('the agency seals a book now, writes its statement and verifies it offline', async () => {
  const server = await serveAgency(agency);
  const { path } = await tenantWithCharge('sealed', agency.clock.nowMs - 5_000);
  const run = async (...args: readonly string[]) => {
    let out = '';
    const write = (text: string) => {
      out += text;
    };
    const terminal = { env: {}, openDatabase, write, writeError: write };
    const connection = ['--url', server.baseUrl, '--admin-key', ADMIN_KEY];
    return { code: await runCli([...connection, ...args], terminal), out };
  };
  const sealed = await run('--json', 'seal', 'sealed');
  expect(JSON.parse(sealed.out)).toMatchObject({
    seals: 1,
    sealed_until: new Date(agency.clock.nowMs).toISOString(),
    receipts: 2,
  });
  const month = new Date(agency.clock.nowMs).toISOString().slice(0, 7);
  const file = join(directory, 'statement.jsonl');
  await run('statement', 'sealed', '--month', month, '--output', file);
  const verified = await run('verify', file);
  expect(verified).toMatchObject({ code: 0, out: expect.stringContaining('2 receipts') });

  expect((await agency.admin('POST', `${path}/seals`)).body).toMatchObject({ seals: 0, receipts: 2 });
  await server.stop();
});

test('nobody else seals a book, and none that is not there', async () => {
  const { apiKey, path } = await agency.newTenant();
  expect(await agency.call('POST', `${path}/seals`, { key: apiKey })).toMatchObject({ status: 403 });
  expect(await agency.admin('POST', `${NOBODY}/seals`)).toMatchObject(refusal(404, 'not_found'));
});

test('a book with nothing in it is sealed by nothing', async () => {
  const { path } = await agency.newTenant('empty');
  expect(await agency.admin('POST', `${path}/seals`)).toMatchObject({
    status: 200,
    body: { seals: 0, sealed_until: null, receipts: 0 },
  });
});

test('the scheduled function seals the books of all tenants, signed by the newest key', async () => {
  const yesterday = Date.now() - 2 * DAY_MS;
  const tenants = [await tenantWithCharge('one', yesterday), await tenantWithCharge('two', yesterday)];
  const secrets = makeSecretsServer({ [SECRET_ID]: JSON.stringify(['newest', 'older']) }, TOKEN);
  const secretsUrl = await listenOnLoopback(secrets, 0);
  const environment = {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_SESSION_TOKEN: TOKEN,
    AWS_ENDPOINT_URL_DYNAMODB: agency.database.url,
    PARAMETERS_SECRETS_EXTENSION_HTTP_PORT: new URL(secretsUrl).port,
    [SECRETS.sealKey.env]: SECRET_ID,
    [TABLES.ledger.env]: `${agency.database.prefix}ledger`,
    [TABLES.directory.env]: `${agency.database.prefix}directory`,
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    POWERTOOLS_METRICS_DISABLED: 'true',
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const { handler } = await import('#functions/seal-books/handler.ts');
  const invoke = handler as (event: unknown, context: Context) => Promise<unknown>;
  await invoke({}, lambdaContext as Context);
  await invoke({}, lambdaContext as Context);

  const { book, keys } = agency.deps.statements;
  for (const { id } of tenants) {
    const last = await book.lastSeal(id);
    expect(last?.seal).toMatchObject({ closingMicro: 993 });
    expect((await keys.list()).map((key) => key.id)).toContain(last?.keyId);
  }
  secrets.close();
  secrets.closeAllConnections();
});
