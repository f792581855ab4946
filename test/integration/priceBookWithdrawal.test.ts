import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Agency, refusal, startAgency } from '#test/builders/agency.ts';

const PRICES = [{ model: '*', perRequest: '0.004' }];
const BOOKS = '/admin/price-books';

let agency: Agency;
beforeAll(async () => {
  agency = await startAgency();
});
afterAll(() => agency.stop());

const at = (id: string, version: number) => `${BOOKS}/${id}/versions/${version}`;
const create = async (id: string, lines: object = { prices: PRICES }) =>
  Number((await agency.admin('POST', BOOKS, { id, ...lines })).body.version);
const timeIn = (seconds: number) => new Date(agency.clock.nowMs + seconds * 1_000).toISOString();
const publish = (id: string, version: number, seconds: number) =>
  agency.admin('POST', `${at(id, version)}/publish`, { effective_from: timeIn(seconds) });
const withdraw = (id: string, version: number, body: object = {}) =>
  agency.admin('POST', `${at(id, version)}/withdraw`, body);
const trialOf = (...books: readonly string[]) => ({
  experiment: { id: 'try', arms: books.map((book) => ({ book, weight: 1 })) },
});

test('what is published is a draft again, may be changed, and is published anew', async () => {
  await create('spring');
  await publish('spring', 1, 3_600);
  expect(await withdraw('spring', 1, { reason: 'a typo' })).toMatchObject({
    status: 200,
    body: { status: 'draft', effective_from: null, prices: PRICES },
  });
  expect((await agency.deps.priceBooks.source.newest()).some(({ id }) => id === 'spring')).toBe(false);
  expect((await agency.admin('GET', '/admin/audit')).body.data[0]).toMatchObject({
    action: 'price_book.withdraw',
    reason: 'a typo',
    details: { priceBook: 'spring', version: 1 },
  });
  expect(await withdraw('spring', 1)).toMatchObject({ status: 200, body: { status: 'draft' } });
  const other = [{ model: '*', perRequest: '0.003' }];
  expect(await agency.admin('PUT', at('spring', 1), { prices: other })).toMatchObject({ status: 200 });
  expect(await publish('spring', 1, 600)).toMatchObject({ status: 200, body: { prices: other } });
  const [book] = (await agency.deps.priceBooks.source.newest()).filter(({ id }) => id === 'spring');
  expect(book?.prices[0]?.rates.perRequestMicro).toBe(3_000);
});

describe('a version stays published', () => {
  test('that is in force, or will be before every function has heard of it', async () => {
    await create('near');
    const published = await publish('near', 1, 600);
    agency.clock.nowMs += 480_001;
    expect(await withdraw('near', 1)).toMatchObject(refusal(409, 'conflict'));
    agency.clock.nowMs += 600_000;
    expect(await withdraw('near', 1)).toMatchObject(refusal(409, 'conflict'));
    expect((await agency.admin('GET', at('near', 1))).body).toMatchObject({
      status: 'in_force',
      effective_from: published.body.effective_from,
    });
  });

  test('that came with the deployment, or an experiment needs; and one that is not there is not found', async () => {
    expect(await withdraw('per-call', 1)).toMatchObject(refusal(409, 'conflict'));
    expect(await withdraw('nothing', 1)).toMatchObject(refusal(404, 'not_found'));
    await create('arm');
    await publish('arm', 1, 3_600);
    await create('trial', trialOf('per-call', 'arm'));
    await publish('trial', 1, 3_600);
    const needed = await withdraw('arm', 1);
    expect(needed).toMatchObject(refusal(409, 'conflict'));
    expect(needed.body.error.message).toContain('The experiment trial version 1');
    expect(await withdraw('trial', 1)).toMatchObject({ status: 200 });
    expect(await withdraw('arm', 1)).toMatchObject({ status: 200 });
  });

  test('when a second experiment is published at the same moment, or it is not', async () => {
    const outcomes: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const arm = `racer-${round}`;
      await create(arm);
      await publish(arm, 1, 3_600);
      await create(`race-${round}`, trialOf('per-call', arm));
      const [withdrawn, published] = await Promise.all([
        withdraw(arm, 1),
        publish(`race-${round}`, 1, 3_600),
      ]);
      // One of the two is first, and the other then finds the books as they are.
      outcomes.push(`${withdrawn.status} ${published.status}`);
    }
    expect(['200 400', '409 200']).toEqual(expect.arrayContaining([...new Set(outcomes)]));
  });
});

test('clients withdraw and look through no price books', async () => {
  const { apiKey } = await agency.newTenant();
  for (const path of [`${at('spring', 1)}/withdraw`, `${BOOKS}/lint`])
    expect(await agency.call('POST', path, { key: apiKey, body: {} })).toMatchObject({ status: 403 });
});
