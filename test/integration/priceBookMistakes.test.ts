import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ADMIN_KEY, type Agency, refusal, startAgency } from '#test/builders/agency.ts';

const PRICES = [{ model: '*', perRequest: '0.004' }];
const BOOKS = '/admin/price-books';

let agency: Agency;
beforeAll(async () => {
  agency = await startAgency();
});
afterAll(() => agency.stop());

const everything = async () =>
  (await agency.admin('GET', BOOKS, undefined, { query: { limit: '100' } })).body.data;

describe('a book with a mistake changes nothing, and hears the place and the mend:', () => {
  const tiers = {
    kind: 'graduated',
    tiers: [
      { upTo: 5, price: '1' },
      { upTo: 9, price: '2' },
    ],
  };
  const arms = (...books: readonly string[]) => ({
    experiment: { id: 'try', arms: books.map((book) => ({ book, weight: 1 })) },
  });
  test.each<readonly [string, object, string | null | undefined, string]>([
    ['no name', { prices: PRICES }, 'id', 'is required'],
    ['a name with blanks', { id: 'a b', prices: PRICES }, 'id', 'lower-case'],
    ['neither prices nor experiment', { id: 'a' }, null, 'either prices or an experiment'],
    ['both', { id: 'a', prices: PRICES, ...arms('per-call', 'per-token') }, null, 'give one of them'],
    ['no line', { id: 'a', prices: [] }, 'prices', 'at least 1'],
    [
      'a price as a number',
      { id: 'a', prices: [{ model: '*', perRequest: 1 }] },
      'prices[0].perRequest',
      'a string',
    ],
    [
      'a price below nothing',
      { id: 'a', prices: [{ model: '*', perRequest: '-1' }] },
      'prices[0].perRequest',
      'from "0"',
    ],
    [
      'an unknown field',
      { id: 'a', prices: [{ model: '*', perCall: '1' }] },
      'prices[0].perCall',
      'leave it out',
    ],
    ...['+1', ' 1', '-0', '007'].map(
      (price) =>
        [
          `a price written as "${price}"`,
          { id: 'a', prices: [{ model: '*', perRequest: price }] },
          'prices[0].perRequest',
          'plainly',
        ] as const,
    ),
    [
      'a model with a blank before it',
      { id: 'a', prices: [{ model: ' support', perRequest: '1' }] },
      'prices[0].model',
      'without blanks',
    ],
    [
      'a model that no terminal shows',
      { id: 'a', prices: [{ model: 'a\u001b[31mb', perRequest: '1' }] },
      'prices[0].model',
      '"a\\u001b[31mb" is none',
    ],
    [
      'more windows than a call has time for',
      {
        id: 'a',
        prices: [
          {
            model: '*',
            perRequest: '1',
            windows: Array.from({ length: 51 }, () => ({
              timeZone: 'UTC',
              from: '01:00',
              until: '02:00',
              perRequest: '2',
            })),
          },
        ],
      },
      'prices[0].windows',
      'at most 50',
    ],
    [
      'a window with a day twice',
      {
        id: 'a',
        prices: [
          {
            model: '*',
            perRequest: '1',
            windows: [
              {
                timeZone: 'UTC',
                days: ['mon', 'tue', 'mon'],
                from: '01:00',
                until: '02:00',
                perRequest: '2',
              },
            ],
          },
        ],
      },
      'prices[0].windows[0].days[2]',
      'repeats "mon"',
    ],
    ['a line without a price', { id: 'a', prices: [{ model: '*' }] }, 'prices[0]', 'has no price'],
    ['a line twice', { id: 'a', prices: [...PRICES, ...PRICES] }, 'prices[1]', 'keep one line'],
    [
      'a gap between tiers and the end',
      { id: 'a', prices: [{ model: '*', monthly: { requests: tiers } }] },
      'prices[0].monthly.requests.tiers[1].upTo',
      'leaves a gap above 9',
    ],
    ['a version of its own', { id: 'a', version: 7, prices: PRICES }, 'version', 'leave it out'],
    [
      'an arm that is not there',
      { id: 'a', ...arms('per-call', 'nothing') },
      'experiment.arms[1].book',
      'in force',
    ],
    [
      'an arm twice',
      { id: 'a', ...arms('per-call', 'per-call') },
      'experiment.arms[1].book',
      'the whole weight',
    ],
    [
      'more than may be kept',
      { id: 'a', prices: Array.from({ length: 4_000 }, (_, n) => ({ model: `m${n}`, perRequest: '1' })) },
      undefined,
      'at most 100000 characters',
    ],
  ])('%s', async (_, body, param, message) => {
    const before = await everything();
    const answer = await agency.admin('POST', BOOKS, body);
    expect(answer).toMatchObject(refusal(400, 'invalid_request', param));
    expect(answer.body.error.message).toContain(message);
    expect(await everything()).toEqual(before);
  });
});

test('a key that is given twice is refused, where a parser would take the last', async () => {
  const before = await everything();
  const text =
    '{"id": "a", "prices": [{"model": "*", "perRequest": "1"}, {"model": "m", "perRequest": "1", "perRequest": "2"}]}';
  const answer = await agency.call('POST', BOOKS, { key: ADMIN_KEY, rawBody: text });
  expect(answer).toMatchObject(refusal(400, 'invalid_request', 'prices[1].perRequest'));
  expect(await everything()).toEqual(before);
});
