import { monthlyCharge } from '#core/pricing/monthlyTiers.ts';
import type { MonthlyMeasure } from '#core/pricing/types.ts';
import { addMicro, type MicroCredits, ZERO } from '#core/shared/money.ts';
import type { Charge } from './ports.ts';

/** One measure of a month so far: its units, and what was billed for them. */
export type MonthTotal = { readonly units: number; readonly billedMicro: MicroCredits };

/** What one tenant used in a month of what one line of a price book counts. */
export type MonthTotals = {
  /** Month, book, version and line: see `MonthlyUse`. */
  readonly counter: string;
  readonly totals: Readonly<Partial<Record<MonthlyMeasure, MonthTotal>>>;
};

/** How a charge came about by the month: each measure's units before it and its own, and what they added to the bill. */
export type MonthlyCharge = {
  readonly counter: string;
  readonly shares: readonly {
    readonly measure: MonthlyMeasure;
    readonly before: number;
    readonly used: number;
    readonly amountMicro: MicroCredits;
  }[];
};

/** What a charge comes to after these months, and the months with it. */
export type PlacedInMonth = {
  readonly amountMicro: MicroCredits;
  readonly monthly: MonthlyCharge | undefined;
  readonly months: ReadonlyMap<string, MonthTotals>;
};

/** Places a charge after what its month has so far: it costs the difference that it makes to the month's bill. */
export function placeInMonth(months: ReadonlyMap<string, MonthTotals>, charge: Charge): PlacedInMonth {
  const { amountMicro, monthly } = charge;
  if (monthly === undefined) return { amountMicro, monthly: undefined, months };
  const { counter } = monthly;
  const totals = { ...months.get(counter)?.totals };
  const shares = monthly.shares.map(({ measure, used, plan }) => {
    const { units, billedMicro } = totals[measure] ?? NOTHING;
    const amount = monthlyCharge(plan, { before: units, used });
    totals[measure] = { units: units + used, billedMicro: addMicro(billedMicro, amount) };
    return { measure, before: units, used, amountMicro: amount };
  });
  return {
    amountMicro: shares.reduce((sum, share) => addMicro(sum, share.amountMicro), amountMicro),
    monthly: { counter, shares },
    months: new Map(months).set(counter, { counter, totals }),
  };
}

const NOTHING: MonthTotal = { units: 0, billedMicro: ZERO };

/** The months that charges are placed in. */
export const countersOf = (charges: readonly Charge[]): readonly string[] => [
  ...new Set(charges.flatMap(({ monthly }) => (monthly === undefined ? [] : [monthly.counter]))),
];
