import type { MicroCredits } from '#core/shared/money.ts';

/** What one model costs. All three parts add up; a part that does not apply is 0. */
export type ModelPrice = {
  /** The model alias, or `*` for every model that no other line names. */
  readonly model: string;
  readonly perRequestMicro: MicroCredits;
  readonly perMillionInputTokensMicro: MicroCredits;
  readonly perMillionOutputTokensMicro: MicroCredits;
};

/** A list of prices in force from a moment on. Never edited once in force: a change is a new version. */
export type PriceBook = {
  readonly id: string;
  readonly version: number;
  readonly effectiveFromMs: number;
  readonly prices: readonly ModelPrice[];
};
