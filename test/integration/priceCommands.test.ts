import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCli } from '#cli/runCli.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { openDatabase } from '#local/openDatabase.ts';
import { ADMIN_KEY, type Agency, startAgency } from '#test/builders/agency.ts';
import { aCharge, aGrant, aHold } from '#test/builders/ledger.ts';
import { serveAgency } from '#test/builders/serveAgency.ts';

const BOOKS = 'layers/price-tables/price-books.json';
const PACKS = 'layers/price-tables/credit-packs.json';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tunegate-prices-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function run(...args: readonly string[]) {
  let out = '';
  let error = '';
  const code = await runCli(args, {
    env: {},
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

describe('price lint', () => {
  test('finds nothing to mend in the books of the product', async () => {
    expect(await run('price', 'lint', BOOKS)).toMatchObject({ code: 0, out: `${BOOKS}: nothing to mend\n` });
  });

  test('warns of a plan that is dearer than a pack, and ends with 1', async () => {
    const linted = await run('price', 'lint', BOOKS, '--packs', PACKS, '--plan', 'Growth=100/5000');
    expect(linted.code).toBe(1);
    expect(linted.out).toContain('books[0].prices[0] the plan Growth is dearer than a pack: 0.02 a call');
  });

  test('warns of a price under cost', async () => {
    const linted = await run('price', 'lint', BOOKS, '--cost', '0.0051');
    expect(linted.out).toContain('a call brings 0.005 and costs 0.0051 credits');
  });

  test('names the place and the mend in a file that cannot be used', async () => {
    const file = join(directory, 'books.json');
    const prices = [{ model: '*', perRequest: 0.005 }];
    const book = { id: 'a', version: 1, effectiveFrom: '2026-01-01T00:00:00Z', prices };
    writeFileSync(file, JSON.stringify({ currency: 'USD', usdPerCredit: '1', books: [book] }));
    const linted = await run('price', 'lint', file);
    expect(linted.code).toBe(1);
    expect(linted.error).toContain('books[0].prices[0].perRequest must be a string');
  });

  test.each([
    [['price', 'lint', '/nowhere.json'], 'cannot be read'],
    [['price', 'lint', BOOKS, '--plan', 'Growth'], 'Growth=100/5000'],
    [['price', 'lint', BOOKS, '--call', '7'], '1000/300'],
    [['price', 'cost', '--gpu-hours', '1', '--gpu-hour-price', '1', '--calls', '0'], 'above 0'],
    [
      ['price', 'cost', '--gpu-hours', '1', '--gpu-hour-price', '1', '--calls', '1', '--gross-margin', '100'],
      'below 100',
    ],
  ])('says what is wrong with %j', async (args, message) => {
    const refused = await run(...args);
    expect(refused.code).toBe(2);
    expect(refused.error).toContain(message);
  });
});

test('price schema prints what editors check a price-books file by', async () => {
  const schema = JSON.parse((await run('price', 'schema')).out);
  expect(schema).toMatchObject({ type: 'object', required: ['currency', 'usdPerCredit', 'books'] });
  const line = schema.properties.books.items.properties.prices.items;
  expect(Object.keys(line.properties)).toEqual(
    expect.arrayContaining(['model', 'perRequest', 'windows', 'monthly']),
  );
  expect(line.additionalProperties).toBe(false);
});

test('price cost says a profit both ways', async () => {
  const hour = ['--gpu-hours', '1', '--gpu-hour-price', '1.20', '--storage', '0.3', '--calls', '1500'];
  expect((await run('price', 'cost', ...hour, '--markup', '60')).out).toBe(
    'cost of a call   0.001\nprice of a call  0.0016\nmarkup           60.00 %\ngross margin     37.50 %\n',
  );
  expect(JSON.parse((await run('--json', 'price', 'cost', ...hour, '--gross-margin', '37.5')).out)).toEqual({
    cost_per_call: '0.001',
    price_per_call: '0.0016',
    markup_percent: '60.00',
    gross_margin_percent: '37.50',
  });
});

describe('price explain', () => {
  let agency: Agency;
  let server: Awaited<ReturnType<typeof serveAgency>>;
  let tenant: Awaited<ReturnType<Agency['newTenant']>>;
  const charge = (tenantId: TenantId) =>
    aCharge(tenantId, 'a', 1_180, {
      inputTokens: 20,
      outputTokens: 10,
      priceBook: { id: 'per-token', version: 1 },
    });
  const explain = (call: string, ...rest: readonly string[]) =>
    run('--url', server.baseUrl, '--admin-key', ADMIN_KEY, 'price', 'explain', call, ...rest);

  beforeAll(async () => {
    agency = await startAgency();
    server = await serveAgency(agency);
    await agency.newTenant('Fabrikam');
    tenant = await agency.newTenant('Northwind');
    await agency.newTenant('Contoso');
    const tenantId = tenant.id as TenantId;
    await agency.deps.ledger.grant(aGrant(tenantId, 'g', { amountMicro: micro(1_000_000) }));
    await agency.deps.ledger.placeHold(aHold(tenantId, 'a', { amountMicro: micro(5_000) }));
    await agency.deps.ledger.settle(tenantId, [charge(tenantId)]);
  });
  afterAll(async () => {
    await server.stop();
    await agency.stop();
  });

  test('shows each step of a call by its request id, and what was charged', async () => {
    const { requestId } = charge(tenant.id as TenantId).event;
    const { code, out } = await explain(requestId, '--tenant', 'Northwind');
    expect(code).toBe(0);
    expect(out).toContain('input tokens   20 × 3 a million = 0.00006\n');
    expect(out).toContain('output tokens  10 × 12 a million = 0.00012\n');
    expect(out).toContain('price          0.00118 credits');
    expect(out).toMatch(/charged {8}-0\.00118 by the entry /);
  });

  test('finds a call by its entry as well, and answers programs in JSON', async () => {
    const { body } = await agency.admin('GET', `${tenant.path}/credits/entries`);
    const entry = body.data.find(({ kind }: { kind: string }) => kind === 'charge');
    const explained = JSON.parse((await explain(entry.id, '--json')).out);
    expect(explained).toMatchObject({ entry: entry.id, rated: '0.00118', charged: '-0.00118' });
  });

  test('shows how a training job came to its price, by the id of the job', async () => {
    const tenantId = tenant.id as TenantId;
    const rated = { inputTokens: 12_345, priceBook: { id: 'per-token', version: 1 } };
    const made = aCharge(tenantId, 'trained', 98_760, { ...rated, operation: 'fine_tuning' });
    await agency.deps.ledger.placeHold(aHold(tenantId, 'trained', { amountMicro: micro(100_000) }));
    await agency.deps.ledger.settle(tenantId, [made]);
    const job = made.event.id.replace(/^use_/, 'ftjob-');
    const { code, out } = await explain(job, '--tenant', 'Northwind');
    expect(code).toBe(0);
    expect(out).toContain('training       12345 tokens × 8 a million = 0.09876\n');
    expect(out).not.toContain('request ');
    expect(out).toMatch(/charged {8}-0\.09876 by the entry /);
  });

  test('says so when no such call was charged', async () => {
    expect(await explain('req_unknown')).toMatchObject({
      code: 1,
      error: expect.stringContaining('no charge of req_unknown'),
    });
  });
});
