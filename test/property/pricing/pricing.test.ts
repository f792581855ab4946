import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { MAX_TOKENS_PER_CALL, priceCall } from '#core/pricing/priceCall.ts';
import { quoteCall } from '#core/pricing/quoteCall.ts';
import { rateUsage } from '#core/pricing/rateUsage.ts';
import { micro } from '#core/shared/money.ts';
import { bookWith, usedBy } from '#test/builders/prices.ts';

const amounts = fc.oneof(fc.nat({ max: 20_000_000 }), fc.nat({ max: 1_000_000_000_000 })).map(micro);
const rates = fc.record({
  perRequestMicro: amounts,
  perMillionInputTokensMicro: amounts,
  perMillionOutputTokensMicro: amounts,
  perComputeSecondMicro: amounts,
  perMillionTrainingTokensMicro: amounts,
});
const counts = fc.oneof(fc.nat({ max: 5_000 }), fc.nat({ max: MAX_TOKENS_PER_CALL / 4 }));
const measures = fc.record({
  inputTokens: counts,
  outputTokens: counts,
  computeMs: fc.nat({ max: 400_000 }),
});
type Measure = { inputTokens: number; outputTokens: number; computeMs: number };
const plus = (a: Measure, b: Measure): Measure => ({
  inputTokens: a.inputTokens + b.inputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  computeMs: a.computeMs + b.computeMs,
});

test.prop([rates, measures, measures])('more use never costs less', (price, a, more) => {
  expect(priceCall(price, plus(a, more))).toBeGreaterThanOrEqual(priceCall(price, a));
});

test.prop([rates, measures, measures])(
  'two calls cost what one joint call costs, plus a request, plus at most one rounding',
  (price, a, b) => {
    const apart = priceCall(price, a) + priceCall(price, b) - price.perRequestMicro;
    const joint = priceCall(price, plus(a, b));
    expect(apart - joint).toBeGreaterThanOrEqual(0);
    expect(apart - joint).toBeLessThanOrEqual(1);
  },
);

test.prop([rates, fc.oneof(fc.double(), fc.integer({ max: -1 }))])(
  'a count that is no count throws and prices nothing',
  (price, wrong) => {
    fc.pre(!Number.isInteger(wrong) || wrong < 0);
    expect(() => priceCall(price, { inputTokens: wrong, outputTokens: 0, computeMs: 0 })).toThrow(RangeError);
  },
);

// From here on against the file itself: an independent calculation in exact fractions.

type Fraction = { readonly over: bigint; readonly under: bigint };
const fraction = (text: string): Fraction => {
  const [whole = '0', decimals = ''] = text.split('.');
  return { over: BigInt(whole + decimals), under: 10n ** BigInt(decimals.length) };
};
const add = (a: Fraction, b: Fraction): Fraction => ({
  over: a.over * b.under + b.over * a.under,
  under: a.under * b.under,
});
const times = (a: Fraction, over: number, under: number): Fraction => ({
  over: a.over * BigInt(over),
  under: a.under * BigInt(under),
});
/** The smallest whole number of µcr that is not below an amount of credits. */
const microAbove = ({ over, under }: Fraction): number => {
  const exact = over * 1_000_000n;
  return Number(exact / under) + (exact % under === 0n ? 0 : 1);
};

const decimals = fc
  .tuple(fc.nat({ max: 900 }), fc.nat({ max: 999_999 }))
  .map(([whole, part]) => `${whole}.${String(part).padStart(6, '0')}`);
const lines = fc.record({
  perRequest: decimals,
  perThousandInputTokens: decimals,
  perMillionOutputTokens: decimals,
  perComputeSecond: decimals,
  maxComputeSeconds: fc.integer({ min: 1, max: 900 }),
});

test.prop([lines, measures])(
  'a call costs the sum of its parts in exact fractions, rounded up',
  (line, used) => {
    const computeMs = Math.min(used.computeMs, line.maxComputeSeconds * 1_000);
    const exact = [
      fraction(line.perRequest),
      times(fraction(line.perThousandInputTokens), used.inputTokens, 1_000),
      times(fraction(line.perMillionOutputTokens), used.outputTokens, 1_000_000),
      times(fraction(line.perComputeSecond), computeMs, 1_000),
    ].reduce(add);
    const rated = rateUsage(bookWith({ model: '*', ...line }), usedBy(used));
    expect(rated).toEqual({ ok: true, value: microAbove(exact) });
  },
);

test.prop([lines, decimals, measures, measures, fc.nat({ max: 2 ** 40 })])(
  'a quote covers every call within its tokens, at any hour, however long the engine works',
  (line, other, used, spare, startedAtMs) => {
    const book = bookWith({
      model: '*',
      ...line,
      windows: [{ timeZone: 'America/New_York', from: '21:15', until: '05:45', perRequest: other }],
    });
    const quote = quoteCall(book, usedBy({ startedAtMs }), {
      inputTokens: used.inputTokens + spare.inputTokens,
      outputTokens: used.outputTokens + spare.outputTokens,
    });
    const rate = rateUsage(book, usedBy({ ...used, startedAtMs }));
    expect(quote.ok && rate.ok && quote.value >= rate.value).toBe(true);
  },
);
