import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Agency, refusal, startAgency } from '#test/builders/agency.ts';

const PRICES = [{ model: '*', perRequest: '0.004' }];
const BOOKS = '/admin/price-books';

let agency: Agency;
beforeAll(async () => {
  agency = await startAgency();
});
afterAll(() => agency.stop());

const create = (id: string, lines: object = { prices: PRICES }) =>
  agency.admin('POST', BOOKS, { id, ...lines });
const at = (id: string, version: number) => `${BOOKS}/${id}/versions/${version}`;
const publish = (id: string, version: number, body: object = {}) =>
  agency.admin('POST', `${at(id, version)}/publish`, body);
const timeIn = (seconds: number) => new Date(agency.clock.nowMs + seconds * 1_000).toISOString();
const everything = async () =>
  (await agency.admin('GET', BOOKS, undefined, { query: { limit: '100' } })).body.data;

test('a draft becomes a version of its book, is published, comes in force and is replaced', async () => {
  const draft = await create('life');
  expect(draft).toMatchObject({
    status: 201,
    body: {
      object: 'price_book',
      id: 'life',
      version: 1,
      status: 'draft',
      effective_from: null,
      prices: PRICES,
    },
  });
  const changed = await agency.admin('PUT', at('life', 1), { prices: [{ model: '*', perRequest: '0.003' }] });
  expect(changed).toMatchObject({
    status: 200,
    body: { prices: [{ perRequest: '0.003' }], status: 'draft' },
  });

  const published = await publish('life', 1, { effective_from: timeIn(180), reason: 'spring' });
  expect(published).toMatchObject({
    status: 200,
    body: { status: 'scheduled', effective_from: timeIn(180) },
  });
  agency.clock.nowMs += 180_000;
  expect((await agency.admin('GET', at('life', 1))).body).toMatchObject({
    status: 'in_force',
    origin: 'api',
  });

  expect((await create('life')).body).toMatchObject({ version: 2 });
  const next = await publish('life', 2);
  expect(Date.parse(next.body.effective_from) - agency.clock.nowMs).toBe(120_000);
  agency.clock.nowMs += 120_000;
  const versions = (await agency.admin('GET', BOOKS, undefined, { query: { book: 'life' } })).body.data;
  expect(versions.map(({ status }: { status: string }) => status)).toEqual(['replaced', 'in_force']);
  const { body: audit } = await agency.admin('GET', '/admin/audit');
  expect(audit.data[0]).toMatchObject({
    action: 'price_book.publish',
    details: { priceBook: 'life', version: 2 },
  });
});

test('what is published stays as it is, also before it is in force', async () => {
  await create('fixed');
  const first = await publish('fixed', 1, { effective_from: timeIn(600) });
  expect(await publish('fixed', 1, { effective_from: timeIn(600) })).toEqual({
    ...first,
    headers: expect.anything(),
  });
  expect(await publish('fixed', 1)).toMatchObject({ status: 200, body: first.body });
  expect(await publish('fixed', 1, { effective_from: timeIn(900) })).toMatchObject(refusal(409, 'conflict'));
  expect(await agency.admin('PUT', at('fixed', 1), { prices: PRICES })).toMatchObject(
    refusal(409, 'conflict'),
  );
  expect((await agency.admin('GET', at('fixed', 1))).body).toEqual(first.body);
});

test('a book that came with the deployment is shown, and its next version is numbered after it', async () => {
  expect((await agency.admin('GET', at('per-call', 1))).body).toMatchObject({
    origin: 'deployment',
    status: 'in_force',
    prices: [{ perRequest: '0.005' }],
  });
  expect(await agency.admin('PUT', at('per-call', 1), { prices: PRICES })).toMatchObject(
    refusal(409, 'conflict'),
  );
  expect((await create('per-call')).body).toMatchObject({ version: 2 });
});

test('drafts of one book that are made at once get a version each', async () => {
  const drafts = await Promise.all(Array.from({ length: 3 }, () => create('busy')));
  expect(drafts.map(({ body }) => body.version).sort()).toEqual([1, 2, 3]);
});

test('every list comes in pages', async () => {
  const all = await everything();
  const paged = [];
  let cursor: string | undefined;
  do {
    const query = { limit: '3', ...(cursor === undefined ? {} : { cursor }) };
    const { body } = await agency.admin('GET', BOOKS, undefined, { query });
    paged.push(...body.data);
    cursor = body.next_cursor ?? undefined;
  } while (cursor !== undefined);
  expect(paged).toEqual(all);
  expect(all.length).toBeGreaterThan(3);
});

test('what may be a mistake is said and does not stand in the way', async () => {
  const { status, body } = await create('warned', { prices: [{ model: 'support', perRequest: '0' }] });
  expect(status).toBe(201);
  expect(body.warnings.map(({ path }: { path: string }) => path)).toEqual(['prices[0]', 'prices']);
});

describe('a publication is refused', () => {
  test.each([
    ['for now', () => ({ effective_from: timeIn(0) }), 'effective_from', '120 seconds ahead'],
    ['for a moment too soon', () => ({ effective_from: timeIn(119) }), 'effective_from', '120 seconds ahead'],
    [
      'for a day that its month lacks',
      () => ({ effective_from: '2027-02-29T00:00:00Z' }),
      'effective_from',
      'a time such as',
    ],
    [
      'for the 24th hour',
      () => ({ effective_from: '2027-02-28T24:00:00Z' }),
      'effective_from',
      'a time such as',
    ],
    ['for no time', () => ({ effective_from: 'tomorrow' }), 'effective_from', 'a time such as'],
    ['with a field of its own', () => ({ from: 1 }), 'from', 'leave it out'],
  ])('%s', async (_, body, param, message) => {
    const { body: draft } = await create('early');
    const answer = await publish('early', draft.version, body());
    expect(answer).toMatchObject(refusal(400, 'invalid_request', param));
    expect(answer.body.error.message).toContain(message);
    expect((await agency.admin('GET', at('early', draft.version))).body.status).toBe('draft');
  });

  test('of an experiment whose arm has no prices by then', async () => {
    await create('arm');
    await publish('arm', 1, { effective_from: timeIn(3_600) });
    const arms = ['per-call', 'arm'].map((book) => ({ book, weight: 1 }));
    await create('trial', { experiment: { id: 'try', arms } });
    const early = await publish('trial', 1, { effective_from: timeIn(600) });
    expect(early).toMatchObject(refusal(400, 'invalid_request', 'experiment.arms[1].book'));
    expect(await publish('trial', 1, { effective_from: timeIn(3_600) })).toMatchObject({ status: 200 });

    const other = {
      experiment: { id: 'other', arms: ['per-call', 'per-token'].map((book) => ({ book, weight: 1 })) },
    };
    const { body } = await create('arm', other);
    const nested = await publish('arm', body.version, { effective_from: timeIn(7_200) });
    expect(nested).toMatchObject(refusal(400, 'invalid_request', 'experiment'));
  });

  test('of a version that is not there', async () => {
    expect(await publish('nothing', 1)).toMatchObject(refusal(404, 'not_found'));
    expect(await publish('life', 0)).toMatchObject(refusal(404, 'not_found'));
    expect(await agency.admin('GET', at('life', 99))).toMatchObject(refusal(404, 'not_found'));
    expect(await agency.admin('PUT', at('life', 99), { prices: PRICES })).toMatchObject(
      refusal(404, 'not_found'),
    );
  });
});

test('clients read and write no price books', async () => {
  const { apiKey } = await agency.newTenant();
  for (const [method, path] of [
    ['GET', BOOKS],
    ['POST', BOOKS],
    ['PUT', at('life', 1)],
    ['POST', `${at('life', 1)}/publish`],
  ] as const)
    expect(await agency.call(method, path, { key: apiKey, body: {} })).toMatchObject({ status: 403 });
});

test('a tenant gets a published book and no draft', async () => {
  await create('new');
  expect(await agency.admin('POST', '/admin/tenants', { name: 'A', price_book: 'new' })).toMatchObject(
    refusal(400, 'invalid_request', 'price_book'),
  );
  await publish('new', 1);
  expect(await agency.admin('POST', '/admin/tenants', { name: 'A', price_book: 'new' })).toMatchObject({
    status: 201,
    body: { price_book: 'new' },
  });
});
