import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCli } from '#cli/runCli.ts';
import { parseId, type TenantId } from '#core/shared/ids.ts';
import { makeSealKeys } from '#io/dynamodb/sealKeys.ts';
import { openDatabase } from '#local/openDatabase.ts';
import { ADMIN_KEY, type Agency, NOBODY, refusal, startAgency } from '#test/builders/agency.ts';
import { serveAgency } from '#test/builders/serveAgency.ts';
import { makeBooks, SEAL_KEY } from '#test/builders/statements.ts';

const at = (text: string): number => Date.parse(`2026-${text}Z`);
const MONTH = '2026-03';

let agency: Agency;
let server: Awaited<ReturnType<typeof serveAgency>>;
let tenant: Awaited<ReturnType<Agency['newTenant']>>;
let other: typeof tenant;
const folder = mkdtempSync(join(tmpdir(), 'tunegate-statement-'));
beforeAll(async () => {
  agency = await startAgency();
  server = await serveAgency(agency);
  agency.clock.nowMs = at('03-01T10:00');
  tenant = await agency.newTenant();
  other = await agency.newTenant('Contoso');
  const tenantId = parseId<TenantId>('tenant', tenant.id);
  if (tenantId === undefined) throw new Error(tenant.id);
  await agency.admin('POST', `${tenant.path}/credits`, { amount: '10', reason: 'a start' });
  const books = makeBooks(agency.database);
  await books.settle(tenantId, 'routes', [
    [100, at('03-01T12:00')],
    [250, at('03-01T13:00')],
    [1_000, at('03-02T13:00'), { model: 'sales, "north"' }],
  ]);
  const { id, publicKey } = SEAL_KEY;
  await makeSealKeys(agency.database.client, `${agency.database.prefix}ledger`).publish({ id, publicKey });
  await books.seal(tenantId, at('04-01T09:00'));
  agency.clock.nowMs = at('04-01T10:00');
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await server.stop();
  await agency.stop();
});

const read = (query: Readonly<Record<string, string>> = {}, key = tenant.apiKey) =>
  agency.call('GET', '/credits/statement', { key, query });

test('a statement opens, adds up and closes with the balance, and each line lists its entries', async () => {
  const { status, body } = await read({ month: MONTH });
  expect(status).toBe(200);
  expect(body).toMatchObject({
    object: 'statement',
    month: MONTH,
    status: 'issued',
    opening: '0',
    closing: '9.99865',
    totals: { grant: '10', charge: '-0.00135' },
    receipts: 4,
    lines: [
      { day: '2026-03-01', kind: 'charge', model: 'support', entries: 2, amount: '-0.00035' },
      { day: '2026-03-01', kind: 'grant', source: 'admin', model: null, entries: 1, amount: '10' },
      { day: '2026-03-02', kind: 'charge', model: 'sales, "north"', entries: 1, amount: '-0.001' },
    ],
  });
  const credits = await agency.call('GET', '/credits', { key: tenant.apiKey });
  expect(credits.body.available).toBe(body.closing);
  for (const line of body.lines) {
    const [path, query] = line.entries_url.split('?');
    const entries = await agency.call('GET', path, {
      key: tenant.apiKey,
      query: Object.fromEntries(new URLSearchParams(query)),
    });
    expect(entries.body.data).toHaveLength(line.entries);
  }
  expect((await read({ month: MONTH })).body).toEqual(body);
  expect((await read()).body).toMatchObject({ month: '2026-04', status: 'open', opening: body.closing });
});

test('the agency reads the same, with its own links', async () => {
  const own = await read({ month: MONTH });
  const { body } = await agency.admin('GET', `${tenant.path}/credits/statement`, undefined, {
    query: { month: MONTH },
  });
  expect(body.closing).toBe(own.body.closing);
  expect(body.lines[0].entries_url).toContain(`${tenant.path}/credits/entries?`);
});

test('as CSV, by query or by header, quoted where it must be', async () => {
  const csv = await read({ month: MONTH, format: 'csv' });
  expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8');
  expect(String(csv.body).split('\r\n')).toEqual([
    'day,kind,source,model,entries,amount,input_tokens,output_tokens,late_from',
    ',opening,,,,0,,,',
    '2026-03-01,charge,usage,support,2,-0.00035,40,20,',
    '2026-03-01,grant,admin,,1,10,0,0,',
    '2026-03-02,charge,usage,"sales, ""north""",1,-0.001,20,10,',
    ',closing,,,,9.99865,,,',
    '',
  ]);
  const headers = { accept: 'text/csv' };
  expect(
    (await agency.call('GET', '/credits/statement', { key: tenant.apiKey, query: { month: MONTH }, headers }))
      .body,
  ).toBe(csv.body);
});

test('as a PDF that a reader renders, with the balances in its text', async () => {
  const answer = await agency.call('GET', '/credits/statement', {
    key: tenant.apiKey,
    query: { month: MONTH, format: 'pdf' },
  });
  expect(answer.headers['content-type']).toBe('application/pdf');
  const text = String(answer.body);
  expect(text).toMatch(/^%PDF-1\.\d\n/);
  expect(text).toContain('(9.99865) Tj');
  // The table at the end says at which byte it begins: right only when no byte was lost on the way.
  const bytes = Buffer.from(text);
  const [, start] = /startxref\n(\d+)\n%%EOF/.exec(text) ?? [];
  expect(bytes.subarray(Number(start), Number(start) + 4).toString()).toBe('xref');
});

describe('refuses', () => {
  test('what is no month, has not begun, or is no cursor', async () => {
    for (const month of ['2026-13', '2026', 'march', '2026-3', '2026-05', '1969-12', '']) {
      expect(await read({ month })).toMatchObject(refusal(400, 'invalid_request', 'month'));
    }
    expect(await read({ format: 'xls' })).toMatchObject(refusal(400, 'invalid_request', 'format'));
    for (const cursor of ['x', Buffer.from('{"seal":0}').toString('base64url'), 'a'.repeat(2_001)]) {
      const answer = await agency.call('GET', '/credits/receipts', {
        key: tenant.apiKey,
        query: { month: MONTH, cursor },
      });
      expect(answer).toMatchObject(refusal(400, 'invalid_request', 'cursor'));
    }
    const kind = await agency.call('GET', '/credits/entries', {
      key: tenant.apiKey,
      query: { kind: 'gift' },
    });
    expect(kind).toMatchObject(refusal(400, 'invalid_request', 'kind'));
  });

  test('nobody, somebody without the scope, and the agency for a tenant that does not exist', async () => {
    const { body } = await agency.admin('POST', `${tenant.path}/keys`, { name: 'chat', scopes: ['chat'] });
    for (const name of ['statement', 'receipts']) {
      expect((await agency.call('GET', `/credits/${name}`)).status).toBe(401);
      expect(await agency.call('GET', `/credits/${name}`, { key: body.api_key })).toMatchObject(
        refusal(403, 'insufficient_scope'),
      );
      expect(
        await agency.call('GET', `${tenant.path}/credits/${name}`, { key: tenant.apiKey }),
      ).toMatchObject(refusal(403, 'insufficient_scope'));
      expect(await agency.admin('GET', `${NOBODY}/credits/${name}`)).toMatchObject(refusal(404, 'not_found'));
    }
  });
});

test("another tenant's statement is its own", async () => {
  expect((await read({ month: MONTH }, other.apiKey)).body).toMatchObject({
    opening: '0',
    closing: '0',
    lines: [],
    receipts: 0,
  });
});

test('the keys that sign are everybody’s to read', async () => {
  expect(await agency.call('GET', '/statement-keys')).toMatchObject({
    status: 200,
    body: { data: [{ id: SEAL_KEY.id, algorithm: 'Ed25519', public_key: SEAL_KEY.publicKey }] },
  });
});

describe('the command', () => {
  async function run(...args: readonly string[]) {
    let out = '';
    const write = (text: string) => {
      out += text;
    };
    const env = { TUNEGATE_URL: server.baseUrl, TUNEGATE_ADMIN_KEY: ADMIN_KEY };
    const code = await runCli(args, { env, openDatabase, write, writeError: write });
    return { code, out };
  }

  test('writes a statement with its receipts, and verifies it offline', async () => {
    const file = join(folder, 'statement.ndjson');
    expect((await run('statement', 'Northwind', '--month', MONTH)).out).toContain('9.99865');
    expect(await run('statement', 'Northwind', '--month', MONTH, '--output', file)).toMatchObject({
      code: 0,
    });
    expect(await run('verify', file, '--public-key', SEAL_KEY.publicKey)).toMatchObject({
      code: 0,
      out: expect.stringContaining('4 receipts'),
    });
    expect((await run('verify', file)).out).toContain(SEAL_KEY.publicKey);
    expect((await run('verify', file, '--public-key', 'another')).code).toBe(1);

    const lines = readFileSync(file, 'utf8').split('\n');
    writeFileSync(file, lines.toSpliced(2, 1).join('\n'));
    expect(await run('verify', file)).toEqual({ code: 1, out: 'NOT VALID\n  receipt 2 is missing\n' });
    writeFileSync(file, lines.join('\n').replace('"amountMicro":-100,', '"amountMicro":-1,'));
    expect(await run('verify', file)).toMatchObject({
      code: 1,
      out: expect.stringContaining('receipt 2 was changed'),
    });
    writeFileSync(file, Buffer.from([0xff, 0xfe, 0x00]));
    expect((await run('verify', file)).code).toBe(1);
    expect((await run('verify', join(folder, 'none'))).code).toBe(2);
  });
});
