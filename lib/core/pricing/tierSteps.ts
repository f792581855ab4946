import type { MonthlyTiers } from './monthlyTiers.ts';

/**
 * A tier with all that can be said of it once: the bill of a month that ends in it is
 * `whole + units × priceWhole + ⌈(rest + units × priceRest) ÷ per⌉`, at most `most`, for the units beyond `below`.
 * Products of small remainders stay exact in numbers where the whole amount would not, and need no BigInt.
 */
export type TierStep = {
  /** The last billable unit of the tier. */
  readonly end: number;
  readonly below: number;
  /** What the tiers below cost, in µcr and `per`-ths of one. */
  readonly whole: number;
  readonly rest: number;
  readonly priceWhole: number;
  readonly priceRest: number;
  readonly most: number;
};

/** The steps of a plan, in order. */
export const tierSteps = (plan: MonthlyTiers): readonly TierStep[] =>
  plan.kind === 'graduated' ? graduatedSteps(plan) : volumeSteps(plan);

function graduatedSteps({ tiers, per }: MonthlyTiers): readonly TierStep[] {
  let below = 0;
  let sum = 0n;
  return tiers.map(({ upTo, priceMicro }) => {
    const end = upTo ?? Number.POSITIVE_INFINITY;
    const step = {
      end,
      below,
      ...parts(sum, per),
      ...prices(priceMicro, per),
      most: Number.POSITIVE_INFINITY,
    };
    if (upTo !== null) sum += BigInt(upTo - below) * BigInt(priceMicro);
    below = upTo ?? below;
    return step;
  });
}

/** Every unit costs what the last one does, and no month more than the beginning of a cheaper tier. */
function volumeSteps({ tiers, per }: MonthlyTiers): readonly TierStep[] {
  let most = Number.POSITIVE_INFINITY;
  const steps: TierStep[] = [];
  for (let at = tiers.length - 1; at >= 0; at -= 1) {
    const tier = tiers[at];
    if (tier === undefined) continue;
    const { upTo, priceMicro } = tier;
    steps.unshift({
      end: upTo ?? Number.POSITIVE_INFINITY,
      below: 0,
      whole: 0,
      rest: 0,
      ...prices(priceMicro, per),
      most,
    });
    const first = BigInt((tiers[at - 1]?.upTo ?? 0) + 1);
    const { whole, rest } = parts(first * BigInt(priceMicro), per);
    most = Math.min(most, whole + (rest === 0 ? 0 : 1));
  }
  return steps;
}

const parts = (sum: bigint, per: number) => ({
  whole: Number(sum / BigInt(per)),
  rest: Number(sum % BigInt(per)),
});

const prices = (priceMicro: number, per: number) => ({
  priceWhole: Math.floor(priceMicro / per),
  priceRest: priceMicro % per,
});
