import type { MicroCredits } from '#core/shared/money.ts';
import type { MonthlyTiers } from './monthlyTiers.ts';

/** What is charged for each measure of work, in µcr. All parts add up; a part that does not apply is 0. */
export type Rates = {
  readonly perRequestMicro: MicroCredits;
  readonly perMillionInputTokensMicro: MicroCredits;
  readonly perMillionOutputTokensMicro: MicroCredits;
  /** Of the engine's work on a call, counted to the millisecond and up to the line's `maxComputeMs`. */
  readonly perComputeSecondMicro: MicroCredits;
  /** Of training jobs alone; calls have none. */
  readonly perMillionTrainingTokensMicro: MicroCredits;
};

/** Other rates at certain hours, read off a wall clock in `timeZone`. */
export type PriceWindow = {
  /** IANA name, `Europe/Berlin`. */
  readonly timeZone: string;
  /** Weekdays on which the window begins; 0 is Sunday. */
  readonly days: readonly number[];
  /** Minutes after midnight. The window ends before `untilMinute`, on the next day where that is the smaller. */
  readonly fromMinute: number;
  readonly untilMinute: number;
  readonly rates: Rates;
};

/** What a month may be summed by. `requests` are calls; `computeMs` what is charged of the engine's work. */
export const MONTHLY_MEASURES = ['requests', 'inputTokens', 'outputTokens', 'computeMs'] as const;
export type MonthlyMeasure = (typeof MONTHLY_MEASURES)[number];

/** Prices by a tenant's total of the month, each in the place of the rate of its measure. */
export type MonthlyPrices = {
  /** IANA name: whose calendar the months are of. */
  readonly timeZone: string;
  readonly plans: Readonly<Partial<Record<MonthlyMeasure, MonthlyTiers>>>;
};

/** What one model costs one or all tenants. */
export type ModelPrice = {
  /** The model alias, or `*` for every model that no other line names. */
  readonly model: string;
  /** The only tenants that the line is for; undefined: every tenant. */
  readonly tenants: readonly string[] | undefined;
  readonly rates: Rates;
  /** The first window that a moment falls into has its rates. */
  readonly windows: readonly PriceWindow[];
  /** The most compute time of one call that is charged; the quote counts on all of it. */
  readonly maxComputeMs: number;
  /** Undefined: no measure is priced by the month. */
  readonly monthly: MonthlyPrices | undefined;
};

/** Parts the tenants of a book among other books, its arms, as the weights say; a tenant stays in its arm. */
export type Experiment = {
  readonly id: string;
  readonly arms: readonly { readonly book: string; readonly weight: number }[];
};

/** A list of prices in force from a moment on. Never edited once in force: a change is a new version. */
export type PriceBook = {
  readonly id: string;
  readonly version: number;
  readonly effectiveFromMs: number;
  /** None in a book that is an experiment: its arms have the prices. */
  readonly prices: readonly ModelPrice[];
  readonly experiment: Experiment | undefined;
  /** Of an arm that a tenant was sent to: by which experiment, in which version of the tenant's own book. */
  readonly armOf?: ArmOf;
};

export type ArmOf = { readonly experiment: string; readonly book: string; readonly version: number };
