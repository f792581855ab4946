import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Agency, refusal, startAgency } from '#test/builders/agency.ts';

const BOOKS = '/admin/price-books';
const PRICES = [{ model: '*', perRequest: '0.005' }];

let agency: Agency;
beforeAll(async () => {
  agency = await startAgency();
});
afterAll(() => agency.stop());

const lint = (body: object) => agency.admin('POST', `${BOOKS}/lint`, body);
const warningsOf = async (body: object): Promise<readonly string[]> =>
  (await lint(body)).body.warnings.map(
    ({ path, message }: { path: string; message: string }) => `${path} ${message}`,
  );
const everything = async () => (await agency.admin('GET', BOOKS)).body.data;

test('a book is looked through as it would be when it is pushed, and nothing is kept', async () => {
  const before = await everything();
  const compared = {
    cost_per_call: '0.0051',
    plans: [{ name: 'Growth', price_minor_units: 10_000, calls: 5_000 }],
  };
  const found = await warningsOf({ prices: PRICES, lint: compared });
  expect(found[0]).toMatch(/^prices\[0\] is under cost: a call brings 0.005 and costs 0.0051 credits/);
  expect(found[1]).toMatch(/^prices\[0\] the plan Growth is dearer than a pack: 0.02 a call against 0.00/);
  expect(await everything()).toEqual(before);
  expect(await lint({ prices: [{ model: '*', perRequest: 5 }] })).toMatchObject(
    refusal(400, 'invalid_request', 'prices[0].perRequest'),
  );
  expect(await lint({ prices: PRICES, lint: { cost_per_call: '-1' } })).toMatchObject(
    refusal(400, 'invalid_request', 'lint.cost_per_call'),
  );

  const draft = await agency.admin('POST', BOOKS, { id: 'warned', prices: PRICES, lint: compared });
  const published = await agency.admin('POST', `${BOOKS}/warned/versions/1/publish`, { lint: compared });
  for (const { status, body } of [draft, published]) {
    expect(status).toBeLessThan(300);
    expect(body.warnings.map(({ path, message }: Record<string, string>) => `${path} ${message}`)).toEqual(
      found,
    );
  }
});

test('a draft is looked at as it would be after what is published for later', async () => {
  await agency.admin('POST', BOOKS, { id: 'ahead', prices: PRICES });
  await agency.admin('POST', `${BOOKS}/ahead/versions/1/publish`, { effective_from: '2033-01-01T00:00:00Z' });
  const next = await agency.admin('POST', BOOKS, { id: 'ahead', prices: PRICES });
  expect(next).toMatchObject({ status: 201, body: { version: 2, warnings: [] } });
  const early = { effective_from: '2032-01-01T00:00:00Z' };
  const published = await agency.admin('POST', `${BOOKS}/ahead/versions/2/publish`, early);
  expect(published.body.warnings).toMatchObject([{ path: 'version' }]);
});

describe('names that nobody has are warned of:', () => {
  test('a tenant, and a model of the tenants that the line is for', async () => {
    const { id, path } = await agency.newTenant('Known');
    await agency.admin('POST', `${path}/models`, { alias: 'known-support', base_model: 'tunegate-nano' });
    const stranger = 'ten_01k00000000000000000000000';
    const line = { model: 'known-support', perRequest: '1' };
    const found = await warningsOf({
      prices: [
        ...PRICES,
        line,
        { ...line, tenants: [id] },
        { ...line, model: 'known-supprot', tenants: [id] },
        { ...line, model: 'nobody-has-it' },
        { model: '*', perRequest: '1', tenants: [id, stranger, 'ten_x'] },
        { model: 'tunegate-nano', perMillionTrainingTokens: '8' },
      ],
    });
    expect(found).toEqual([
      'prices[3].model no tenant of this line has the model known-supprot',
      'prices[4].model no tenant of this line has the model nobody-has-it',
      `prices[5].tenants[1] is no tenant here: ${stranger}`,
      'prices[5].tenants[2] is no tenant here: ten_x',
    ]);
  });
});

describe('of what changes in the midst of something', () => {
  const tiers = (price: string, own: object = {}) => ({
    model: '*',
    ...own,
    monthly: { requests: { kind: 'graduated', included: 100, tiers: [{ price }] } },
  });
  const change = async (id: string, first: object, second: object, from: string) => {
    await agency.admin('POST', BOOKS, { id, ...first });
    await agency.admin('POST', `${BOOKS}/${id}/versions/1/publish`, {
      effective_from: '2031-01-01T00:00:00Z',
    });
    return warningsOf({ id, effective_from: from, ...second });
  };

  test('tiers that are changed within a month are named; the same tiers go on', async () => {
    const midMonth = '2031-03-15T00:00:00Z';
    const changed = await change('tiers', { prices: [tiers('1')] }, { prices: [tiers('2')] }, midMonth);
    expect(changed).toHaveLength(1);
    expect(changed[0]).toContain(
      'prices[0].monthly begins anew in mid-month: its tiers are not those of version 1',
    );
    const same = { prices: [tiers('1', { perMillionInputTokens: '3' })] };
    expect(await warningsOf({ id: 'tiers', effective_from: midMonth, ...same })).toEqual([]);
    expect(
      await warningsOf({ id: 'tiers', effective_from: '2031-04-01T00:00:00Z', prices: [tiers('2')] }),
    ).toEqual([]);
  });

  test('an experiment that keeps its id and changes its arms moves tenants', async () => {
    const trial = (weight: number, id = 'try') => ({
      experiment: {
        id,
        arms: [
          { book: 'per-call', weight },
          { book: 'per-token', weight: 1 },
        ],
      },
    });
    const found = await change('moving', trial(1), trial(2), '2031-02-01T00:00:00Z');
    expect(found).toEqual([
      expect.stringContaining('experiment.id is the id of an experiment with other arms'),
    ]);
    for (const same of [trial(1), trial(2, 'another')])
      expect(await warningsOf({ id: 'moving', effective_from: '2031-02-01T00:00:00Z', ...same })).toEqual([]);
  });
});
