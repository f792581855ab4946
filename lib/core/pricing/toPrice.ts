import { type MicroCredits, micro, ZERO } from '#core/shared/money.ts';
import { toMonthlyPrices } from './monthlyPricesText.ts';
import {
  DAYS,
  type LineText,
  MAX_COMPUTE_SECONDS,
  type PartsText,
  type WindowText,
} from './priceBooksFile.ts';
import { priceIn } from './priceText.ts';
import type { ModelPrice, PriceWindow, Rates } from './types.ts';

const NO_RATES: Rates = {
  perRequestMicro: ZERO,
  perMillionInputTokensMicro: ZERO,
  perMillionOutputTokensMicro: ZERO,
  perComputeSecondMicro: ZERO,
  perMillionTrainingTokensMicro: ZERO,
};

/** A line as it is rated by: amounts in µcr, tokens by the million, every window with all of its rates. */
export function toPrice(line: LineText): ModelPrice {
  const rates = toRates(line, NO_RATES);
  return {
    model: line.model,
    tenants: line.tenants,
    rates,
    windows: (line.windows ?? []).map((window) => toWindow(window, rates)),
    maxComputeMs: (line.maxComputeSeconds ?? MAX_COMPUTE_SECONDS) * 1_000,
    monthly: line.monthly === undefined ? undefined : toMonthlyPrices(line.monthly),
  };
}

const toWindow = (window: WindowText, otherwise: Rates): PriceWindow => ({
  timeZone: window.timeZone,
  days: (window.days ?? DAYS).map((day) => DAYS.indexOf(day)),
  fromMinute: minuteOf(window.from),
  untilMinute: minuteOf(window.until),
  rates: toRates(window, otherwise),
});

/** Minutes after midnight of `22:30`. */
export const minuteOf = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));

const toRates = (parts: PartsText, otherwise: Rates): Rates => ({
  perRequestMicro: parts.perRequest === undefined ? otherwise.perRequestMicro : priceIn(parts.perRequest),
  perMillionInputTokensMicro:
    byMillion(parts.perThousandInputTokens, parts.perMillionInputTokens) ??
    otherwise.perMillionInputTokensMicro,
  perMillionOutputTokensMicro:
    byMillion(parts.perThousandOutputTokens, parts.perMillionOutputTokens) ??
    otherwise.perMillionOutputTokensMicro,
  perComputeSecondMicro:
    parts.perComputeSecond === undefined ? otherwise.perComputeSecondMicro : priceIn(parts.perComputeSecond),
  perMillionTrainingTokensMicro:
    byMillion(parts.perThousandTrainingTokens, parts.perMillionTrainingTokens) ??
    otherwise.perMillionTrainingTokensMicro,
});

function byMillion(
  perThousand: string | undefined,
  perMillion: string | undefined,
): MicroCredits | undefined {
  if (perThousand !== undefined) return micro(priceIn(perThousand) * 1_000);
  return perMillion === undefined ? undefined : priceIn(perMillion);
}
