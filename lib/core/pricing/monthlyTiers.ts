import { divideUpSafely } from '#core/shared/divideUp.ts';
import { type MicroCredits, micro, ZERO } from '#core/shared/money.ts';
import { type TierStep, tierSteps } from './tierSteps.ts';

/** A stretch of a month's usage with one price. */
export type Tier = {
  /** The last unit of the tier, counted from the month's first billable one; null: it has no end. */
  readonly upTo: number | null;
  /** In µcr for `per` units. */
  readonly priceMicro: MicroCredits;
};

/**
 * What a month's usage of one measure (calls, tokens, milliseconds of compute) costs one tenant.
 * `graduated`: each unit costs what its own tier says. `volume`: every unit costs what the tier of the last one says.
 */
export type MonthlyTiers = {
  readonly kind: 'graduated' | 'volume';
  /** Units that cost nothing; tiers are counted from the next one on. */
  readonly included: number;
  /** How many units a tier's price is for. */
  readonly per: number;
  readonly tiers: readonly Tier[];
};

/**
 * The bill of a whole month in µcr, rounded up once. It never falls as usage grows: under volume tiers, nobody pays
 * more for less, so the bill is at most what the beginning of any later tier costs.
 */
export const monthlyBill = (plan: MonthlyTiers, quantity: number): MicroCredits => billOf(plan, quantity);

/**
 * What `used` further units add to the month's bill when `before` were used already. Every charge is a difference of
 * two bills, so all charges of a month add up to its bill, whatever the batches and the order they came in.
 */
export const monthlyCharge = (
  plan: MonthlyTiers,
  { before, used }: { readonly before: number; readonly used: number },
): MicroCredits => micro(Number(billOf(plan, before + used) - billOf(plan, before)));

/** The most that `used` units can cost at any place in the month: by the dearest tier, nothing of it included. */
export function dearestCharge(plan: MonthlyTiers, used: number): MicroCredits {
  const dearest = plan.tiers.reduce((most, { priceMicro }) => Math.max(most, priceMicro), 0);
  return micro(Number(divideUp(BigInt(dearest) * BigInt(countOf(used)), BigInt(plan.per))));
}

function billOf(plan: MonthlyTiers, quantity: number): MicroCredits {
  const billable = Math.max(0, countOf(quantity) - plan.included);
  if (billable === 0) return ZERO;
  const step = stepOf(plan, billable);
  const units = billable - step.below;
  const rest = step.rest + units * step.priceRest;
  if (rest > Number.MAX_SAFE_INTEGER) return exactBill(plan, billable);
  const bill = step.whole + units * step.priceWhole + divideUpSafely(rest, plan.per);
  return micro(Math.min(bill, step.most));
}

/** Worked out once for a plan: a month places many calls. */
const known = new WeakMap<MonthlyTiers, readonly TierStep[]>();

function stepOf(plan: MonthlyTiers, billable: number): TierStep {
  let steps = known.get(plan);
  if (steps === undefined) {
    steps = tierSteps(plan);
    known.set(plan, steps);
  }
  for (const step of steps) if (billable <= step.end) return step;
  throw new RangeError('a plan of tiers has a last one without an end');
}

/** The same without the steps, for remainders beyond what a number holds exactly. */
function exactBill({ kind, tiers, per }: MonthlyTiers, billable: number): MicroCredits {
  const exact = kind === 'graduated' ? graduated(tiers, billable) : volume(tiers, billable);
  return micro(Number(divideUp(exact, BigInt(per))));
}

function graduated(tiers: readonly Tier[], quantity: number): bigint {
  let sum = 0n;
  let below = 0;
  for (const { upTo, priceMicro } of tiers) {
    const end = upTo === null || upTo > quantity ? quantity : upTo;
    sum += BigInt(end - below) * BigInt(priceMicro);
    if (end === quantity) break;
    below = end;
  }
  return sum;
}

function volume(tiers: readonly Tier[], quantity: number): bigint {
  let least: bigint | undefined;
  let first = 1;
  for (const { upTo, priceMicro } of tiers) {
    // Of a tier that is passed nothing counts; of one that is not reached yet, its very beginning.
    if (upTo === null || upTo >= quantity) {
      const cost = BigInt(priceMicro) * BigInt(Math.max(first, quantity));
      if (least === undefined || cost < least) least = cost;
    }
    if (upTo !== null) first = upTo + 1;
  }
  return least ?? 0n;
}

const divideUp = (dividend: bigint, divisor: bigint): bigint => (dividend + divisor - 1n) / divisor;

function countOf(quantity: number): number {
  if (!Number.isSafeInteger(quantity) || quantity < 0)
    throw new RangeError(`not a quantity of a month: ${quantity}`);
  return quantity;
}
