import * as z from 'zod/mini';
import type { MonthlyTiers } from './monthlyTiers.ts';
import { MAX_PRICE_CREDITS, price, priceIn, timeZone } from './priceText.ts';
import type { MonthlyMeasure, MonthlyPrices } from './types.ts';

const MAX_TIERS = 50;
/** Units of a month, and so also of a tier's price: far above any month, far below where integers end. */
const MAX_UNITS = 1_000_000_000_000;

const units = z.int().check(z.gte(1), z.lte(MAX_UNITS));

const Tiers = z.strictObject({
  kind: z.enum(['graduated', 'volume']),
  included: z.optional(z.int().check(z.gte(0), z.lte(MAX_UNITS))),
  per: z.optional(units),
  tiers: z
    .array(z.strictObject({ upTo: z.optional(units), price: price(MAX_PRICE_CREDITS) }))
    .check(z.minLength(1), z.maxLength(MAX_TIERS)),
});
export type TiersText = z.infer<typeof Tiers>;

const measures = {
  requests: z.optional(Tiers),
  inputTokens: z.optional(Tiers),
  outputTokens: z.optional(Tiers),
  computeSeconds: z.optional(Tiers),
};

/** `monthly` of a line as it is written; compute is counted in seconds. */
export const MonthlyText = z.strictObject({ timeZone: z.optional(timeZone), ...measures });
export type MonthlyText = z.infer<typeof MonthlyText>;
export type MeasureText = keyof typeof measures;

const MEASURES: Readonly<Record<MeasureText, { readonly measure: MonthlyMeasure; readonly units: number }>> =
  {
    requests: { measure: 'requests', units: 1 },
    inputTokens: { measure: 'inputTokens', units: 1 },
    outputTokens: { measure: 'outputTokens', units: 1 },
    computeSeconds: { measure: 'computeMs', units: 1_000 },
  };

/** The tiers that are given, each with the name that it is written under. */
export const tiersIn = (text: MonthlyText) =>
  Object.entries(MEASURES).flatMap(([name, { measure, units: factor }]) => {
    const tiers = Object.entries(text).find(([key]) => key === name)?.[1];
    return typeof tiers === 'object' ? [{ name, measure, factor, tiers }] : [];
  });

/** Prices by the month as they are rated by. */
export const toMonthlyPrices = (text: MonthlyText): MonthlyPrices => ({
  timeZone: text.timeZone ?? 'UTC',
  plans: Object.fromEntries(
    tiersIn(text).map(({ measure, factor, tiers }) => [measure, toTiers(tiers, factor)]),
  ),
});

const toTiers = ({ kind, included = 0, per = 1, tiers }: TiersText, factor: number): MonthlyTiers => ({
  kind,
  included: included * factor,
  per: per * factor,
  tiers: tiers.map(({ upTo, price: text }) => ({
    upTo: upTo === undefined ? null : upTo * factor,
    priceMicro: priceIn(text),
  })),
});
