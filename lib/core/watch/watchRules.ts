import type { Finding } from './types.ts';

/** From when on use is unusual, by what is looked for. */
export type WatchRules = {
  /** A day with this many calls, this many times those of the busiest of the days before, of which so many had some. */
  readonly jump: { readonly calls: number; readonly times: number; readonly days: number };
  /**
   * An hour with this many calls, in this many of its minutes. Calls a minute of people vary as chance does (variance ÷
   * mean ≈ 1) or more, a clock's vary less than `variancePercent`; prompts that a program fills in differ in length
   * (standard deviation ÷ mean) less than `lengthPercent`.
   */
  readonly scraping: {
    readonly calls: number;
    readonly minutes: number;
    readonly variancePercent: number;
    readonly lengthPercent: number;
  };
  /** An hour with calls from this many networks, this many times those of any other hour of the day before. */
  readonly many_networks: { readonly networks: number; readonly times: number };
};

/** What a tenant has otherwise than the rules below; null: it is not looked for. */
export type WatchSettings = { readonly [Kind in Finding['kind']]?: WatchRules[Kind] | null };

/** The rules in force: null where something is not looked for. */
export type WatchRulesInForce = { readonly [Kind in Finding['kind']]: WatchRules[Kind] | null };

/** What counts as unusual unless a tenant has other rules. Their reasons: README. */
export const DEFAULT_WATCH_RULES: WatchRules = {
  jump: { calls: 1_000, times: 5, days: 3 },
  scraping: { calls: 300, minutes: 50, variancePercent: 50, lengthPercent: 25 },
  many_networks: { networks: 20, times: 3 },
};

export const watchRulesOf = (settings: WatchSettings | undefined): WatchRulesInForce => ({
  ...DEFAULT_WATCH_RULES,
  ...settings,
});
