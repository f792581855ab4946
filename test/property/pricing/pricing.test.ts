import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { MAX_TOKENS_PER_CALL, priceTokens } from '#core/pricing/priceTokens.ts';
import { quoteCall } from '#core/pricing/quoteCall.ts';
import { rateUsage } from '#core/pricing/rateUsage.ts';
import { micro } from '#core/shared/money.ts';

const amounts = fc.oneof(fc.nat({ max: 20_000_000 }), fc.nat({ max: 1_000_000_000_000 })).map(micro);
const prices = fc.record({
  model: fc.constant('*'),
  perRequestMicro: amounts,
  perMillionInputTokensMicro: amounts,
  perMillionOutputTokensMicro: amounts,
});
const counts = fc.oneof(fc.nat({ max: 5_000 }), fc.nat({ max: MAX_TOKENS_PER_CALL / 4 }));
const tokens = fc.record({ inputTokens: counts, outputTokens: counts });
const bookOf = (price: typeof prices extends fc.Arbitrary<infer P> ? P : never) => ({
  id: 'b',
  version: 1,
  effectiveFromMs: 0,
  prices: [price],
});
const plus = (a: { inputTokens: number; outputTokens: number }, b: typeof a) => ({
  inputTokens: a.inputTokens + b.inputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
});

test.prop([prices, tokens, tokens])('a quote covers every call within its tokens', (price, used, spare) => {
  const quote = quoteCall(bookOf(price), 'm', plus(used, spare));
  const rate = rateUsage(bookOf(price), { model: 'm', status: 'succeeded', timeToFirstTokenMs: 1, ...used });
  expect(quote.ok && rate.ok && quote.value >= rate.value).toBe(true);
});

test.prop([prices, tokens, tokens])('more tokens never cost less', (price, a, more) => {
  expect(priceTokens(price, plus(a, more))).toBeGreaterThanOrEqual(priceTokens(price, a));
});

test.prop([prices, tokens, tokens])(
  'two calls cost what one joint call costs, plus a request, plus at most one rounding',
  (price, a, b) => {
    const apart = priceTokens(price, a) + priceTokens(price, b) - price.perRequestMicro;
    const joint = priceTokens(price, plus(a, b));
    expect(apart - joint).toBeGreaterThanOrEqual(0);
    expect(apart - joint).toBeLessThanOrEqual(1);
  },
);

test.prop([prices, tokens])('a price is the exact sum, never less and less than 1 µcr more', (price, t) => {
  const million = 1_000_000n;
  const exact =
    BigInt(price.perRequestMicro) * million +
    BigInt(price.perMillionInputTokensMicro) * BigInt(t.inputTokens) +
    BigInt(price.perMillionOutputTokensMicro) * BigInt(t.outputTokens);
  const charged = BigInt(priceTokens(price, t)) * million;
  expect(charged >= exact && charged < exact + million).toBe(true);
});

test.prop([prices, fc.oneof(fc.double(), fc.integer({ max: -1 }))])(
  'a token count that is no count throws and prices nothing',
  (price, wrong) => {
    fc.pre(!Number.isInteger(wrong) || wrong < 0);
    expect(() => priceTokens(price, { inputTokens: wrong, outputTokens: 0 })).toThrow(RangeError);
  },
);
