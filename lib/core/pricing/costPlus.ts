import { type MicroCredits, micro } from '#core/shared/money.ts';

/** What it costs to serve a model for some time, and the calls that it answered in that time. */
export type ServingCost = {
  /** Millionths of an hour, so that 1.5 hours are 1_500_000. */
  readonly gpuHoursMicro: number;
  readonly gpuHourMicro: MicroCredits;
  readonly storageMicro: MicroCredits;
  readonly bandwidthMicro: MicroCredits;
  readonly calls: number;
};

/** What the price adds: to the cost (`markup`), or as its own share of the price (`grossMargin`); in millionths. */
export type Profit =
  | { readonly kind: 'markup'; readonly millionths: number }
  | { readonly kind: 'grossMargin'; readonly millionths: number };

/** A price and what is in it. Markup and gross margin are of the rounded price, rounded down: neither says too much. */
export type CostPlusPrice = {
  readonly costMicro: MicroCredits;
  readonly priceMicro: MicroCredits;
  readonly markupMillionths: number;
  readonly grossMarginMillionths: number;
};

const MILLION = 1_000_000n;

/**
 * The price of a call from what calls cost: (GPU hours × their price + storage + bandwidth) ÷ calls, and the profit
 * on top. Worked out exactly; cost and price are each rounded up to a µcr. A gross margin must be below the whole.
 */
export function costPlus(cost: ServingCost, profit: Profit): CostPlusPrice {
  // The cost of a call is over/under µcr, exactly.
  const over =
    BigInt(cost.gpuHoursMicro) * BigInt(cost.gpuHourMicro) +
    (BigInt(cost.storageMicro) + BigInt(cost.bandwidthMicro)) * MILLION;
  const under = MILLION * BigInt(cost.calls);
  const share = BigInt(profit.millionths);
  const price =
    profit.kind === 'markup'
      ? divideUp(over * (MILLION + share), under * MILLION)
      : divideUp(over * MILLION, under * (MILLION - share));
  const gained = price * under - over;
  return {
    costMicro: micro(Number(divideUp(over, under))),
    priceMicro: micro(Number(price)),
    markupMillionths: over === 0n ? 0 : Number((gained * MILLION) / over),
    grossMarginMillionths: price === 0n ? 0 : Number((gained * MILLION) / (price * under)),
  };
}

const divideUp = (dividend: bigint, divisor: bigint): bigint => (dividend + divisor - 1n) / divisor;
