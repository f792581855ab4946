import { monthlyCharge } from '#core/pricing/monthlyTiers.ts';
import { MONTHLY_MEASURES, type MonthlyMeasure } from '#core/pricing/types.ts';
import { addMicro, type MicroCredits, micro, ZERO } from '#core/shared/money.ts';
import type { Charge } from './ports.ts';

/** One measure of a month so far: its units, and what was billed for them. */
export type MonthTotal = { readonly units: number; readonly billedMicro: MicroCredits };

/** What one tenant used in a month of what one line of a price book counts. */
export type MonthTotals = {
  /** Month, book, tiers and line: see `MonthlyUse`. */
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

/** What a charge comes to, and how its month made it so. */
export type PlacedInMonth = {
  readonly amountMicro: MicroCredits;
  readonly monthly: MonthlyCharge | undefined;
};

/** Months as they grow while charges are placed in them. */
export type GrowingMonths = {
  /** Places a charge after what its month has so far: it costs the difference that it makes to the month's bill. */
  readonly place: (charge: Charge) => PlacedInMonth;
  readonly get: (counter: string) => MonthTotals | undefined;
};

type Growing = { units: number; billedMicro: MicroCredits };

/** Months that begin with these totals, which stay as they are. */
export function growMonths(before: ReadonlyMap<string, MonthTotals>): GrowingMonths {
  const grown = new Map<string, Partial<Record<MonthlyMeasure, Growing>>>();
  const totalsOf = (counter: string) => {
    let totals = grown.get(counter);
    if (totals === undefined) {
      totals = copyOf(before.get(counter)?.totals ?? {});
      grown.set(counter, totals);
    }
    return totals;
  };
  return {
    place: ({ amountMicro: own, monthly }) => {
      if (monthly === undefined) return { amountMicro: own, monthly };
      const { counter } = monthly;
      const totals = totalsOf(counter);
      let sum: number = own;
      const shares = monthly.shares.map(({ measure, used, plan }) => {
        totals[measure] ??= { units: 0, billedMicro: ZERO };
        const total = totals[measure];
        const before = total.units;
        const amountMicro = monthlyCharge(plan, { before, used });
        total.units += used;
        total.billedMicro = addMicro(total.billedMicro, amountMicro);
        sum += amountMicro;
        return { measure, before, used, amountMicro };
      });
      return { amountMicro: micro(sum), monthly: { counter, shares } };
    },
    get: (counter) => {
      const totals = grown.get(counter);
      return totals === undefined ? before.get(counter) : { counter, totals: copyOf(totals) };
    },
  };
}

/** Totals of its own, which may grow. */
function copyOf(totals: MonthTotals['totals']): Partial<Record<MonthlyMeasure, Growing>> {
  const copy: Partial<Record<MonthlyMeasure, Growing>> = {};
  for (const measure of MONTHLY_MEASURES) {
    const total = totals[measure];
    if (total !== undefined) copy[measure] = { ...total };
  }
  return copy;
}

/** The months that charges are placed in. */
export const countersOf = (charges: readonly Charge[]): readonly string[] => [
  ...new Set(charges.flatMap(({ monthly }) => (monthly === undefined ? [] : [monthly.counter]))),
];
