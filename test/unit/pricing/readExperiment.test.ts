import { expect, test } from 'vitest';
import type { UsageRollup } from '#core/ledger/types.ts';
import { armOf } from '#core/pricing/armOf.ts';
import { readExperiment } from '#core/pricing/readExperiment.ts';
import type { KeyId, TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { testId } from '#test/builders/ledger.ts';
import { booksOf, fixedBooks } from '#test/builders/prices.ts';
import { aTenant } from '#test/builders/tenants.ts';

const experiment = {
  id: 'spring',
  arms: [
    { book: 'one', weight: 1 },
    { book: 'two', weight: 1 },
  ],
};
const at = (effectiveFrom: string) => ({ version: 1, effectiveFrom });
const PRICES = { prices: [{ model: '*', perRequest: '1' }] };
const BOOKS = booksOf(
  { id: 'one', ...at('2026-01-01T00:00:00Z'), ...PRICES },
  { id: 'two', ...at('2026-01-01T00:00:00Z'), ...PRICES },
  { id: 'trial', ...at('2026-03-01T12:00:00Z'), experiment },
  { id: 'trial', ...at('2026-03-11T12:00:00Z'), version: 2, experiment },
  { id: 'trial', ...at('2026-03-21T12:00:00Z'), version: 3, ...PRICES },
  { id: 'trial', ...at('2026-04-01T00:00:00Z'), version: 4, experiment: { ...experiment, id: 'april' } },
);
const tenantId = (name: string) => testId<TenantId>('tenant', name);
const used = (day: string, credits: number): UsageRollup => ({
  day,
  keyId: testId<KeyId>('key', 'a'),
  model: 'm',
  calls: 1,
  failedCalls: 0,
  inputTokens: 0,
  outputTokens: 0,
  computeMs: 0,
  costMicro: micro(credits * 1_000_000),
});

const USAGE: Readonly<Record<string, readonly UsageRollup[]>> = {
  [tenantId('came')]: [
    used('2026-03-02', 100),
    used('2026-03-05', 4),
    used('2026-03-20', 2),
    used('2026-03-21', 50),
  ],
  [tenantId('left')]: [used('2026-03-01', 3), used('2026-03-20', 5)],
  [tenantId('late')]: [used('2026-03-21', 7)],
};

const read = (nowMs: number, name?: string) =>
  readExperiment(
    {
      source: fixedBooks(BOOKS),
      arms: {
        list: async ({ experiment: id }) =>
          id === 'spring'
            ? [
                { tenantId: tenantId('came'), arm: 'one', atMs: Date.parse('2026-03-05T09:00:00Z') },
                { tenantId: tenantId('left'), arm: 'two', atMs: Date.parse('2026-03-01T13:00:00Z') },
                { tenantId: tenantId('late'), arm: 'two', atMs: Date.parse('2026-03-21T09:00:00Z') },
              ]
            : [],
      },
      directory: {
        listTenants: async () => ({
          tenants: [
            { ...aTenant(), id: tenantId('came'), priceBookId: 'trial' },
            { ...aTenant(), id: tenantId('left'), priceBookId: 'one' },
            { ...aTenant(), id: tenantId('idle'), priceBookId: 'trial' },
          ],
          nextCursor: null,
        }),
      },
      ledger: {
        listRollups: async (tenant, from, to) => {
          if (from > to) throw new Error('no database reads backwards');
          return (USAGE[tenant] ?? []).filter(({ day }) => from <= day && day <= to);
        },
      },
    },
    { book: 'trial', nowMs, experiment: name },
  );

test('an experiment runs over the versions that have it, and a tenant counts from its first call in it', async () => {
  const found = await read(Date.parse('2026-03-25T00:00:00Z'));
  expect(found).toMatchObject({
    ok: true,
    value: { experiment: 'spring', start: '2026-03-01', end: '2026-03-20', isComplete: true },
  });
  const idleArm = armOf(experiment, tenantId('idle'));
  const means = new Map(found.ok ? found.value.arms.map(({ arm, mean }) => [arm, mean / 1_000_000]) : []);
  // 4 + 2 of the one who came to the book later; 3 + 5 of the one who left it, and nothing of the one who came on the
  // last morning. The third never called.
  expect(means.get('one')).toBe(idleArm === 'one' ? 3 : 6);
  expect(means.get('two')).toBeCloseTo(idleArm === 'two' ? 8 / 3 : 4, 9);
});

test('the latest experiment that has begun counts, unless another is named', async () => {
  const now = Date.parse('2026-04-02T00:00:00Z');
  expect(await read(now)).toMatchObject({ value: { experiment: 'april', start: '2026-04-01', end: null } });
  expect(await read(now, 'spring')).toMatchObject({ value: { experiment: 'spring', end: '2026-03-20' } });
  expect(await read(now, 'other')).toEqual({ ok: false, error: { code: 'no_experiment' } });
  expect(await read(Date.parse('2026-03-01T11:59:59Z'))).toEqual({
    ok: false,
    error: { code: 'no_experiment' },
  });
});
