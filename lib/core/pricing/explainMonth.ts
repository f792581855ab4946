import { addMicro, formatCredits, type MicroCredits, ZERO } from '#core/shared/money.ts';
import type { RatingStep } from './explainRating.ts';
import { type MonthlyTiers, monthlyBill, monthlyCharge } from './monthlyTiers.ts';
import type { FoundRates } from './ratesOf.ts';
import type { MonthlyMeasure } from './types.ts';

/** Where in its month a call was placed: what each measure had before it, and what it added. */
export type PlaceInMonth = {
  readonly counter: string;
  readonly shares: readonly {
    readonly measure: MonthlyMeasure;
    readonly before: number;
    readonly used: number;
  }[];
};

const UNITS: Readonly<Record<MonthlyMeasure, string>> = {
  requests: 'calls',
  inputTokens: 'input tokens',
  outputTokens: 'output tokens',
  computeMs: 'ms of compute',
};

/** The steps by which a call was charged by its month, and what they come to. */
export function explainMonth(
  { line }: FoundRates,
  place: PlaceInMonth,
): { readonly steps: readonly RatingStep[]; readonly amountMicro: MicroCredits } {
  const [month = ''] = place.counter.split('#');
  const zone = line.monthly?.timeZone ?? 'UTC';
  const steps = [{ step: 'month', detail: `${month} in ${zone}, counted as ${place.counter}` }];
  let amountMicro = ZERO;
  for (const share of place.shares) {
    const plan = line.monthly?.plans[share.measure];
    if (plan === undefined) continue;
    const charge = monthlyCharge(plan, share);
    amountMicro = addMicro(amountMicro, charge);
    steps.push({ step: `${UNITS[share.measure]}`, detail: detailOf(plan, share, charge) });
  }
  return { steps, amountMicro };
}

function detailOf(
  plan: MonthlyTiers,
  { before, used }: { readonly before: number; readonly used: number },
  charge: MicroCredits,
): string {
  const [from, to] = [before, before + used].map((units) => formatCredits(monthlyBill(plan, units)));
  return `${used} after ${before} in the month${includedText(plan)}, ${tierText(plan, before + used)}: the month's bill goes from ${from} to ${to} = ${formatCredits(charge)}`;
}

const includedText = ({ included }: MonthlyTiers): string =>
  included === 0 ? '' : ` of which ${included} are included`;

/** The tier that the last unit is in. */
function tierText({ kind, included, per, tiers }: MonthlyTiers, total: number): string {
  const billable = total - included;
  if (billable <= 0) return 'not beyond what is included';
  const tier = tiers.find(({ upTo }) => upTo === null || billable <= upTo);
  const where = tier === undefined || tier.upTo === null ? 'the last tier' : `the tier up to ${tier.upTo}`;
  const price = `${formatCredits(tier?.priceMicro ?? ZERO)} for ${per}`;
  return kind === 'graduated'
    ? `in ${where} at ${price}`
    : `all by ${where} at ${price}, or the beginning of a cheaper one`;
}
