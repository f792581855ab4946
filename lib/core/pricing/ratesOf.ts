import { localTime } from './localTime.ts';
import type { ModelPrice, PriceBook, PriceWindow, Rates } from './types.ts';

/** What decides, before any use, by which rates a call is priced. */
export type PricedCall = {
  readonly tenantId: string;
  /** The alias that the client asked for. */
  readonly model: string;
  /** When the call began. */
  readonly startedAtMs: number;
};

/** A line of a book, and of its windows the one that the call's beginning falls into. */
export type FoundRates = {
  readonly line: ModelPrice;
  readonly window: PriceWindow | undefined;
  readonly rates: Rates;
};

/** The rates of a call, by its line and the hour at which it began; undefined when no line is for it. */
export function ratesOf(book: PriceBook, call: PricedCall): FoundRates | undefined {
  const line = priceOf(book, call);
  if (line === undefined) return undefined;
  const window = line.windows.find((one) => isWithin(one, call.startedAtMs));
  return { line, window, rates: window?.rates ?? line.rates };
}

/** The closest line: one for this tenant before one for all, then one for this model before `*`. */
export function priceOf(
  book: PriceBook,
  { tenantId, model }: Pick<PricedCall, 'tenantId' | 'model'>,
): ModelPrice | undefined {
  let found: ModelPrice | undefined;
  let closest = -1;
  for (const line of book.prices) {
    if (line.model !== '*' && line.model !== model) continue;
    if (line.tenants !== undefined && !line.tenants.includes(tenantId)) continue;
    const closeness = (line.tenants === undefined ? 0 : 2) + (line.model === '*' ? 0 : 1);
    if (closeness > closest) [found, closest] = [line, closeness];
  }
  return found;
}

/** After midnight, a window that runs overnight still belongs to the day on which it began. */
function isWithin({ timeZone, days, fromMinute, untilMinute }: PriceWindow, atMs: number): boolean {
  const { weekday, minute } = localTime(timeZone, atMs);
  const isOvernight = untilMinute <= fromMinute;
  if (minute >= fromMinute) return days.includes(weekday) && (isOvernight || minute < untilMinute);
  return isOvernight && minute < untilMinute && days.includes((weekday + 6) % 7);
}
