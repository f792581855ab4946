import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '#cli/runCli.ts';
import { settleUsage } from '#core/metering/settleUsage.ts';
import { armOf } from '#core/pricing/armOf.ts';
import { recordArms } from '#core/pricing/recordArms.ts';
import { makeArmBook } from '#io/dynamodb/armBook.ts';
import { openDatabase } from '#local/openDatabase.ts';
import { ADMIN_KEY, type Agency, startAgency } from '#test/builders/agency.ts';
import { ASK, ask, type ChatBench, makeChatBench } from '#test/builders/chat.ts';
import { serveAgency } from '#test/builders/serveAgency.ts';

const WHOLE_CREDITS = 100_000_000;

let agency: Agency;
let server: Awaited<ReturnType<typeof serveAgency>>;
let directory: string;
beforeAll(async () => {
  agency = await startAgency();
  server = await serveAgency(agency);
  directory = mkdtempSync(join(tmpdir(), 'tunegate-books-'));
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await server.stop();
  await agency.stop();
});

async function run(...args: readonly string[]) {
  let out = '';
  let error = '';
  const terminal = {
    env: {},
    openDatabase,
    write: (text: string) => {
      out += text;
    },
    writeError: (text: string) => {
      error += text;
    },
  };
  const code = await runCli(['--url', server.baseUrl, '--admin-key', ADMIN_KEY, ...args], terminal);
  return { code, out, error };
}

/** Writes a book into a file, and pushes and publishes it as an agency does; it is in force when this returns. */
async function putInForce(id: string, lines: object): Promise<void> {
  await publish(id, lines);
  agency.clock.nowMs += 120_000;
}

async function publish(id: string, lines: object): Promise<void> {
  const file = join(directory, `${id}.json`);
  writeFileSync(file, JSON.stringify({ id, ...lines }));
  const pushed = await run('--json', 'price', 'push', file);
  expect(pushed).toMatchObject({ code: 0, error: '' });
  expect(await run('price', 'publish', id, String(JSON.parse(pushed.out).version))).toMatchObject({
    code: 0,
  });
}

/** A tenant of this book whose calls go through the chat function, priced by what the agency publishes. */
async function clientOf(priceBookId: string): Promise<ChatBench> {
  const bench = await makeChatBench(agency.database, { priceBookId, credits: WHOLE_CREDITS });
  const audit = { id: bench.tenant.id, atMs: 1, actor: 'a', action: 'test', reason: 'test', details: {} };
  await agency.deps.directory.createTenant(bench.tenant, { ...audit, tenantId: bench.tenant.id });
  const ports = { ...bench.ports, world: agency.deps.world, priceBooks: agency.deps.priceBooks.source };
  return { ...bench, ports };
}

async function settle({ ledger, events }: ChatBench): Promise<void> {
  await settleUsage(
    { ledger, books: agency.deps.priceBooks.source },
    events.map((event) => ({ id: event.id, body: JSON.stringify(event) })),
  );
  await recordArms(makeArmBook(agency.database.client, `${agency.database.prefix}versions`), events);
}

/** What each call was charged, in the order of the calls. */
async function chargesOf({ ledger, tenant, events }: ChatBench): Promise<readonly number[]> {
  const listed = await ledger.listEntries(tenant.id, { limit: 100, kind: 'charge' });
  const entries = listed.ok ? listed.value.entries : [];
  return events.map(({ id }) => -(entries.find(({ source }) => source.id === id)?.amountMicro ?? Number.NaN));
}

test('a book with tiers, from its file to a charge that is explained', async () => {
  const tiers = [{ upTo: 1, price: '0.02' }, { price: '0.01' }];
  const requests = { kind: 'graduated', included: 2, tiers };
  await publish('plan', { prices: [{ model: '*', perMillionInputTokens: '1', monthly: { requests } }] });
  const client = await clientOf('plan');
  const early = await ask(client, ASK);
  expect([early.status, JSON.parse(early.text).error.code]).toEqual([409, 'prices_not_in_force']);

  agency.clock.nowMs += 120_000;
  const answers = [];
  for (let call = 0; call < 4; call += 1) answers.push(await ask(client, ASK));
  // 3 tokens of the prompt by themselves; which call is beyond the included ones is not known yet.
  expect(answers.map(({ headers }) => headers['x-tunegate-cost'])).toEqual(Array(4).fill('0.020003'));
  for (let delivery = 0; delivery < 2; delivery += 1) await settle(client);
  expect(await chargesOf(client)).toEqual([3, 3, 20_003, 10_003]);

  const third = client.events[2]?.id ?? '';
  const { code, out } = await run('price', 'explain', third, '--tenant', client.tenant.id);
  expect(code).toBe(0);
  expect(out).toContain('price book     plan version 1, in force from');
  expect(out).toContain('input tokens   3 × 1 a million = 0.000003\n');
  expect(out).toContain(
    "calls          1 after 2 in the month of which 2 are included, in the tier up to 1 at 0.02 for 1: the month's bill goes from 0 to 0.02 = 0.02\n",
  );
  expect(out).toContain('price          0.020003 credits, 0.000003 of them by itself\n');
  expect(out).toMatch(/charged {8}-0\.020003 by the entry ent_/);
});

test('an experiment, from its publication to what its arms brought in', async () => {
  await publish('dear', { prices: [{ model: '*', perRequest: '0.03' }] });
  await putInForce('cheap', { prices: [{ model: '*', perRequest: '0.01' }] });
  const experiment = { id: 'spring', arms: ['dear', 'cheap'].map((book) => ({ book, weight: 1 })) };
  await putInForce('trial', { experiment });
  const clients = await Promise.all(Array.from({ length: 12 }, () => clientOf('trial')));
  for (const client of clients) {
    for (let call = 0; call < 2; call += 1) await ask(client, ASK);
    agency.clock.nowMs += 3_600_000; // later, and in a function that began anew, the arm is the same
    await ask(client, ASK);
    await settle(client);
    const arm = armOf(experiment, client.tenant.id);
    expect(client.events.map(({ priceBook }) => priceBook)).toEqual(
      Array(3).fill({ id: arm, version: 1, armOf: { experiment: 'spring', book: 'trial', version: 1 } }),
    );
    expect(await chargesOf(client)).toEqual(Array(3).fill(arm === 'dear' ? 30_000 : 10_000));
  }
  const compared = JSON.parse((await run('--json', 'price', 'experiment', 'trial')).out);
  const inArm = (arm: string) => clients.filter(({ tenant }) => armOf(experiment, tenant.id) === arm).length;
  expect(compared).toMatchObject({
    experiment: 'spring',
    data: [
      { arm: 'dear', tenants: inArm('dear'), mean: inArm('dear') === 0 ? '0.000000' : '0.090000' },
      { arm: 'cheap', tenants: inArm('cheap'), mean: inArm('cheap') === 0 ? '0.000000' : '0.030000' },
    ],
  });
  const event = clients[0]?.events[0]?.id ?? '';
  expect((await run('price', 'explain', event)).out).toContain(
    "experiment     spring, version 1 of the tenant's book trial, sends it here\n",
  );

  const [arm] = clients.map(({ tenant }) => tenant.id);
  const seenBy = async (path: string) =>
    JSON.stringify((await agency.admin('GET', `${path}/credits/entries`)).body);
  expect(await seenBy(`/admin/tenants/${arm}`)).toContain('spring');

  // A later version of the tenants' book ends it, for calls that begin from then on.
  await putInForce('trial', { prices: [{ model: '*', perRequest: '0.02' }] });
  const [client] = clients;
  if (client === undefined) throw new Error('no client');
  await ask(client, ASK);
  await settle(client);
  expect((await chargesOf(client)).at(-1)).toBe(20_000);
  const ended = JSON.parse((await run('--json', 'price', 'experiment', 'trial')).out);
  expect(ended).toMatchObject({ start: '2027-01-15', end: '2027-01-15' });

  // Who leaves the book stays in the arm that was recorded; who comes now and calls nothing would be in the arm of its id.
  await agency.admin('PATCH', `/admin/tenants/${client.tenant.id}`, { price_book: 'cheap' });
  const later = await clientOf('trial');
  const { body } = await agency.admin('GET', '/admin/price-books/trial/experiment');
  expect(body).toMatchObject({ experiment: 'spring', book: 'trial', is_complete: true, has_more: false });
  const tenantsIn = (arm: string) => body.data.find((one: { arm: string }) => one.arm === arm).tenants;
  const isLater = (arm: string) => (armOf(experiment, later.tenant.id) === arm ? 1 : 0);
  expect([tenantsIn('dear'), tenantsIn('cheap')]).toEqual([
    inArm('dear') + isLater('dear'),
    inArm('cheap') + isLater('cheap'),
  ]);
  const query = { experiment: 'autumn' };
  expect(
    await agency.admin('GET', '/admin/price-books/trial/experiment', undefined, { query }),
  ).toMatchObject({ status: 404 });
  const { apiKey } = await agency.newTenant();
  expect(await agency.call('GET', '/admin/price-books/trial/experiment', { key: apiKey })).toMatchObject({
    status: 403,
  });
});

test('versions are listed and shown, and what cannot be done says why', async () => {
  const listed = await run('price', 'list', '--book', 'per-call');
  expect(listed.out).toMatch(/per-call +1 +in_force +2026-01-01T00:00:00.000Z +prices +deployment/);
  const shown = await run('price', 'show', 'per-call', '1');
  expect(shown.out).toContain('"perRequest": "0.005"');

  const file = join(directory, 'wrong.json');
  writeFileSync(file, JSON.stringify({ id: 'wrong', prices: [{ model: '*', perRequest: 1 }] }));
  expect(await run('price', 'push', file)).toMatchObject({
    code: 1,
    error: expect.stringContaining("'prices[0].perRequest' must be a string"),
  });
  expect(await run('price', 'push', join(directory, 'none.json'))).toMatchObject({ code: 2 });
  expect(await run('price', 'publish', 'per-call', '1', '--from', '2040-01-01T00:00:00Z')).toMatchObject({
    code: 1,
  });
  expect(await run('price', 'publish', 'per-call', 'x')).toMatchObject({ code: 2 });
  expect(await run('price', 'experiment', 'per-call')).toMatchObject({
    code: 1,
    error: expect.stringContaining('per-call has no experiment'),
  });
});
