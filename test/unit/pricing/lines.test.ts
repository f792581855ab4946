import { describe, expect, test } from 'vitest';
import { bookInForce } from '#core/pricing/priceBooks.ts';
import { priceTraining } from '#core/pricing/priceCall.ts';
import { quoteCall } from '#core/pricing/quoteCall.ts';
import { priceOf } from '#core/pricing/ratesOf.ts';
import { rateUsage } from '#core/pricing/rateUsage.ts';
import { booksOf, bookWith, usedBy } from '#test/builders/prices.ts';

const { tenantId } = usedBy();

test('the closest line is taken: for this tenant before for all, for this model before all models', () => {
  const own = { tenants: [tenantId] };
  const book = bookWith(
    { model: '*', perRequest: '1' },
    { model: 'm', perRequest: '2' },
    { model: '*', perRequest: '3', ...own },
    { model: 'm', perRequest: '4', ...own },
  );
  const priced = (tenant: string, model: string) =>
    priceOf(book, { tenantId: tenant, model })?.rates.perRequestMicro;
  expect(priced('ten_other', 'x')).toBe(1_000_000);
  expect(priced('ten_other', 'm')).toBe(2_000_000);
  expect(priced(tenantId, 'x')).toBe(3_000_000);
  expect(priced(tenantId, 'm')).toBe(4_000_000);
});

test('a line for other tenants alone leaves a call without a price', () => {
  const book = bookWith({ model: '*', perRequest: '1', tenants: ['ten_other'] });
  expect(rateUsage(book, usedBy())).toEqual({ ok: false, error: { code: 'unpriced_model' } });
});

test('a thousand tokens and a million are two ways to say one price', () => {
  const call = usedBy({ inputTokens: 1_234, outputTokens: 567 });
  const thousand = bookWith({
    model: '*',
    perThousandInputTokens: '0.003',
    perThousandOutputTokens: '0.012',
  });
  const million = bookWith({ model: '*', perMillionInputTokens: '3', perMillionOutputTokens: '12' });
  expect(rateUsage(thousand, call)).toEqual({ ok: true, value: 3_702 + 6_804 });
  expect(rateUsage(million, call)).toEqual(rateUsage(thousand, call));
});

describe('compute seconds', () => {
  const book = bookWith({ model: '*', perComputeSecond: '0.0004', maxComputeSeconds: 20 });
  test('are charged to the millisecond, up to the most that the line charges', () => {
    expect(rateUsage(book, usedBy({ computeMs: 1_001 }))).toEqual({ ok: true, value: 401 });
    expect(rateUsage(book, usedBy({ computeMs: 60_000 }))).toEqual({ ok: true, value: 8_000 });
  });
  test('are quoted in full', () => {
    expect(quoteCall(book, usedBy(), { inputTokens: 0, outputTokens: 0 })).toEqual({
      ok: true,
      value: 8_000,
    });
  });
});

test('training is priced by its tokens alone', () => {
  const rates = bookWith({ model: '*', perRequest: '9', perMillionTrainingTokens: '8' }).prices[0]?.rates;
  expect(rates && priceTraining(rates, 1_500_001)).toBe(12_000_008);
});

describe('an experiment', () => {
  const since = '2026-01-01T00:00:00Z';
  const prices = [{ model: '*', perRequest: '1' }];
  const experiment = (version: number, effectiveFrom: string, id = 'spring') => ({
    id: 'offer',
    version,
    effectiveFrom,
    experiment: {
      id,
      arms: [
        { book: 'plain', weight: 3 },
        { book: 'cheap', weight: 1 },
      ],
    },
  });
  const books = booksOf(
    { id: 'plain', version: 1, effectiveFrom: since, prices },
    { id: 'cheap', version: 1, effectiveFrom: since, prices },
    { id: 'cheap', version: 2, effectiveFrom: '2026-03-01T00:00:00Z', prices },
    { id: 'offer', version: 1, effectiveFrom: since, prices },
    experiment(2, '2026-02-01T00:00:00Z'),
    experiment(3, '2026-04-01T00:00:00Z'),
    { id: 'offer', version: 4, effectiveFrom: '2026-05-01T00:00:00Z', prices },
  );
  const at = (tenant: string, time: string) =>
    bookInForce(books, { id: 'offer', tenantId: tenant, atMs: Date.parse(time) });
  const tenants = Array.from({ length: 4_000 }, (_, n) => `ten_${n}`);

  test('parts the tenants as the weights say', () => {
    const cheap = tenants.filter((tenant) => at(tenant, '2026-02-10T00:00:00Z')?.id === 'cheap').length;
    expect(cheap).toBeGreaterThan(900);
    expect(cheap).toBeLessThan(1_100);
  });
  test('keeps a tenant in its arm over later versions of the experiment and of the arm', () => {
    for (const tenant of tenants.slice(0, 200)) {
      const first = at(tenant, '2026-02-01T00:00:00Z');
      expect(at(tenant, '2026-04-30T00:00:00Z')?.id).toBe(first?.id);
    }
    const inCheap = tenants.find((tenant) => at(tenant, '2026-02-10T00:00:00Z')?.id === 'cheap') ?? '';
    expect(at(inCheap, '2026-03-01T00:00:00Z')?.version).toBe(2);
  });
  test('has begun and ended with its versions', () => {
    expect(at('ten_1', '2026-01-31T23:59:59Z')).toMatchObject({ id: 'offer', version: 1 });
    expect(at('ten_1', '2026-05-01T00:00:00Z')).toMatchObject({ id: 'offer', version: 4 });
  });
});
