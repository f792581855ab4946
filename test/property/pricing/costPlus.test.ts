import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { costPlus } from '#core/pricing/costPlus.ts';
import { micro } from '#core/shared/money.ts';

const amounts = fc.nat({ max: 10_000_000_000 }).map(micro);
const costs = fc.record({
  gpuHoursMicro: fc.integer({ min: 1, max: 1_000_000_000 }),
  gpuHourMicro: fc.integer({ min: 1, max: 100_000_000 }).map(micro),
  storageMicro: amounts,
  bandwidthMicro: amounts,
  calls: fc.integer({ min: 1, max: 1_000_000 }),
});

/** (hours × price + storage + bandwidth) ÷ calls, in µcr, as a fraction. */
const exactCost = (cost: typeof costs extends fc.Arbitrary<infer C> ? C : never) => ({
  over:
    BigInt(cost.gpuHoursMicro) * BigInt(cost.gpuHourMicro) +
    1_000_000n * BigInt(cost.storageMicro) +
    1_000_000n * BigInt(cost.bandwidthMicro),
  under: 1_000_000n * BigInt(cost.calls),
});

test.prop([costs, fc.nat({ max: 10_000_000 })])(
  'a markup is added to the exact cost, and not a µcr more',
  (cost, millionths) => {
    const { over, under } = exactCost(cost);
    const price = BigInt(costPlus(cost, { kind: 'markup', millionths }).priceMicro);
    const wanted = over * BigInt(1_000_000 + millionths);
    expect(price * under * 1_000_000n >= wanted).toBe(true);
    expect((price - 1n) * under * 1_000_000n < wanted).toBe(true);
  },
);

test.prop([costs, fc.nat({ max: 999_000 })])(
  'a gross margin is left of the price, and not a µcr more',
  (cost, millionths) => {
    const { over, under } = exactCost(cost);
    const kept = BigInt(1_000_000 - millionths);
    const { priceMicro, grossMarginMillionths, markupMillionths } = costPlus(cost, {
      kind: 'grossMargin',
      millionths,
    });
    const price = BigInt(priceMicro);
    expect(price * under * kept >= over * 1_000_000n).toBe(true);
    expect((price - 1n) * under * kept < over * 1_000_000n).toBe(true);
    expect(grossMarginMillionths).toBeGreaterThanOrEqual(millionths);
    // One price, said in two ways: markup = margin ÷ (1 − margin), within what is cut off.
    expect(BigInt(markupMillionths)).toBe(((price * under - over) * 1_000_000n) / over);
  },
);

test('a markup of 50 to 80 % is a gross margin of 33 to 44 %', () => {
  const cost = {
    gpuHoursMicro: 730_000_000,
    gpuHourMicro: micro(1_410_000),
    storageMicro: micro(20_000_000),
    bandwidthMicro: micro(15_700_000),
    calls: 1_065,
  };
  const at = (millionths: number) => costPlus(cost, { kind: 'markup', millionths });
  expect(at(0)).toMatchObject({ costMicro: 1_000_000, priceMicro: 1_000_000 });
  expect(at(500_000)).toMatchObject({ priceMicro: 1_500_000, grossMarginMillionths: 333_333 });
  expect(at(800_000)).toMatchObject({ priceMicro: 1_800_000, grossMarginMillionths: 444_444 });
});

test('a gross margin of 50 to 80 % makes a price of 2 to 5 times the cost, and a markup of 100 to 400 %', () => {
  // 10 hours of a GPU at 1.41, 0.5 of storage and 0.4 of bandwidth for 30,000 calls: 0.0005 a call.
  const cost = {
    gpuHoursMicro: 10_000_000,
    gpuHourMicro: micro(1_410_000),
    storageMicro: micro(500_000),
    bandwidthMicro: micro(400_000),
    calls: 30_000,
  };
  const at = (millionths: number) => costPlus(cost, { kind: 'grossMargin', millionths });
  expect(at(500_000)).toEqual({
    costMicro: 500,
    priceMicro: 1_000,
    markupMillionths: 1_000_000,
    grossMarginMillionths: 500_000,
  });
  expect(at(800_000)).toMatchObject({ costMicro: 500, priceMicro: 2_500, markupMillionths: 4_000_000 });
});
