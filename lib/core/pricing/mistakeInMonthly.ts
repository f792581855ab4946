import { type MonthlyText, type TiersText, tiersIn } from './monthlyPricesText.ts';
import type { PartsText } from './priceBooksFile.ts';
import { mistakeInPrice, priceIn } from './priceText.ts';
import type { MonthlyMeasure } from './types.ts';

/** The parts of a line or window that price a measure, and the highest price of one of its units, in µcr. */
const MEASURED: Readonly<
  Record<MonthlyMeasure, { readonly parts: readonly (keyof PartsText)[]; readonly maxMicro: number }>
> = {
  requests: { parts: ['perRequest'], maxMicro: 1_000_000_000_000 },
  inputTokens: { parts: ['perThousandInputTokens', 'perMillionInputTokens'], maxMicro: 1_000_000 },
  outputTokens: { parts: ['perThousandOutputTokens', 'perMillionOutputTokens'], maxMicro: 1_000_000 },
  computeMs: { parts: ['perComputeSecond'], maxMicro: 1_000_000_000_000 },
};

type Parts = { readonly path: string; readonly parts: PartsText };

/** The first mistake in the tiers of a line, as its place and the mend; `priced` are the line and its windows. */
export function mistakeInMonthly(
  monthly: MonthlyText,
  path: string,
  priced: readonly Parts[],
): string | undefined {
  const given = tiersIn(monthly);
  if (given.length === 0)
    return `${path} has no tiers: give requests, inputTokens, outputTokens or computeSeconds`;
  for (const { name, measure, tiers } of given) {
    const { parts, maxMicro } = MEASURED[measure];
    const place = `${path}.${name}`;
    for (const { path: elsewhere, parts: prices } of priced) {
      const again = parts.find((part) => prices[part] !== undefined);
      if (again !== undefined) return `${elsewhere}.${again} says again what ${place} says: keep one of them`;
    }
    const mistake = mistakeInTiers(tiers, place, maxMicro);
    if (mistake !== undefined) return mistake;
  }
  return undefined;
}

/** A tier begins where the one before it ends, so only their ends can be wrong. */
function mistakeInTiers({ kind, per = 1, tiers }: TiersText, at: string, maxMicro: number) {
  let before: { readonly upTo: number; readonly priceMicro: number } | undefined;
  for (const [index, { upTo, price: text }] of tiers.entries()) {
    const path = `${at}.tiers[${index}]`;
    const priceMicro = priceIn(text);
    const badPrice = mistakeInPrice(text);
    if (badPrice !== undefined) return `${path}.price ${badPrice}`;
    const isLast = index === tiers.length - 1;
    if (upTo === undefined && !isLast)
      return `${path}.upTo is required: without an end the tier overlaps those after it`;
    if (upTo !== undefined && isLast)
      return `${path}.upTo leaves a gap above ${upTo}: leave it out of the last tier`;
    if (upTo !== undefined && before !== undefined && upTo <= before.upTo)
      return `${path}.upTo must be above ${before.upTo}, where the tier before it ends: they overlap`;
    if (priceMicro > maxMicro * per)
      return `${path}.price is for ${per} and too high: give "per" as well, such as 1000000 for a million tokens`;
    // One unit more would cost the rise for the whole month, which no hold can foresee.
    if (kind === 'volume' && before !== undefined && priceMicro > before.priceMicro)
      return `${path}.price must not be above the price of the tier before it: volume prices only fall`;
    before = { upTo: upTo ?? Number.POSITIVE_INFINITY, priceMicro };
  }
  return undefined;
}
