import type { CreditPack } from '#core/billing/types.ts';
import { formatCredits, type MicroCredits, micro } from '#core/shared/money.ts';
import { localMonth } from './localTime.ts';
import { mostOf, unitsOf } from './mostOf.ts';
import { nameTiers } from './nameTiers.ts';
import { type CallMeasure, priceCall } from './priceCall.ts';
import type { FoundRates } from './ratesOf.ts';
import { MONTHLY_MEASURES, type ModelPrice, type PriceBook, type PriceWindow } from './types.ts';

/** A subscription, as far as its price can be compared: what it costs, and the calls that it includes. */
export type ComparedPlan = { readonly name: string; readonly priceMinor: number; readonly calls: number };

export type LintInput = {
  readonly books: readonly PriceBook[];
  /** The call that prices are compared by. */
  readonly typicalCall: CallMeasure;
  /** What serving that call costs the agency; undefined: not known, so nothing is said about it. */
  readonly costMicro: MicroCredits | undefined;
  /** On sale, in the plans' currency. */
  readonly packs: readonly CreditPack[];
  readonly plans: readonly ComparedPlan[];
};

/** What prices are compared by when nothing else is said: 1,000 tokens in, 300 out. */
export const TYPICAL_CALL: CallMeasure = { inputTokens: 1_000, outputTokens: 300, computeMs: 0 };

/** Something that may be used and is probably not meant. `path` is its place in the file. */
export type PriceWarning = { readonly path: string; readonly message: string };

/** Looks a readable file through for prices that are allowed and probably a mistake. */
export function lintPriceBooks(input: LintInput): readonly PriceWarning[] {
  return input.books.flatMap((book, index) => {
    const path = `books[${index}]`;
    return [
      ...versionWarnings(input.books, book, path),
      ...monthWarnings(input.books, book, path),
      ...book.prices.flatMap((line, at) => lineWarnings(input, line, `${path}.prices[${at}]`)),
      ...coverageWarnings(book, path),
      ...(isLatest(input.books, book) ? planWarnings(input, book, path) : []),
    ];
  });
}

const isLatest = (books: readonly PriceBook[], book: PriceBook): boolean =>
  !books.some((other) => other.id === book.id && other.effectiveFromMs > book.effectiveFromMs);

function versionWarnings(
  books: readonly PriceBook[],
  book: PriceBook,
  path: string,
): readonly PriceWarning[] {
  const later = books.find(
    ({ id, version, effectiveFromMs }) =>
      id === book.id && version < book.version && effectiveFromMs > book.effectiveFromMs,
  );
  if (later === undefined) return [];
  const message = `version ${later.version} begins after version ${book.version} and replaces it: number them in the order of their beginnings`;
  return [{ path: `${path}.version`, message }];
}

function coverageWarnings(book: PriceBook, path: string): readonly PriceWarning[] {
  if (book.experiment !== undefined) return [];
  if (book.prices.some(({ model, tenants }) => model === '*' && tenants === undefined)) return [];
  const message = 'has no line "*" for every tenant: calls of a model without a line fail until it gets one';
  return [{ path: `${path}.prices`, message }];
}

/** Totals belong to tiers: a version that changes them in mid-month begins them, and what is included, anew. */
function monthWarnings(books: readonly PriceBook[], book: PriceBook, path: string): readonly PriceWarning[] {
  const before = versionBefore(books, book);
  if (before === undefined) return [];
  return book.prices.flatMap((line, at) => {
    const { monthly } = line;
    if (monthly === undefined || goesOn(before, line)) return [];
    const { timeZone } = monthly;
    const month = localMonth(timeZone, book.effectiveFromMs);
    if (localMonth(timeZone, book.effectiveFromMs - 1) !== month) return [];
    const message = `begins anew in mid-month: its tiers are not those of version ${before.version}, and what that counted of ${month} does not count here, so that what is included is given twice; let the version begin with a month in ${timeZone}, or leave the tiers as they are`;
    return [{ path: `${path}.prices[${at}].monthly`, message }];
  });
}

/** The version that a version takes the place of. */
function versionBefore(books: readonly PriceBook[], book: PriceBook): PriceBook | undefined {
  const others = books.filter((other) => other !== book && other.effectiveFromMs <= book.effectiveFromMs);
  return others
    .filter(({ id, version }) => id === book.id && version !== book.version)
    .sort((a, b) => b.effectiveFromMs - a.effectiveFromMs || b.version - a.version)
    .find((other) => other.effectiveFromMs < book.effectiveFromMs || other.version < book.version);
}

/** Whether a version has the same tiers for the same calls. */
function goesOn({ prices }: PriceBook, { model, tenants, monthly }: ModelPrice): boolean {
  if (monthly === undefined) return false;
  return prices.some(
    (line) =>
      line.model === model &&
      (tenants === undefined
        ? line.tenants === undefined
        : tenants.every((tenant) => line.tenants?.includes(tenant))) &&
      line.monthly !== undefined &&
      nameTiers(line.monthly) === nameTiers(monthly),
  );
}

function lineWarnings(input: LintInput, line: ModelPrice, path: string): readonly PriceWarning[] {
  const priced = [
    { path, found: { line, window: undefined, rates: line.rates } },
    ...line.windows.map((window, at) => ({
      path: `${path}.windows[${at}]`,
      found: { line, window, rates: window.rates },
    })),
  ];
  return [
    ...priced.flatMap(({ path: place, found }) => costWarnings(input, found, place)),
    ...line.windows.flatMap((window, at) => {
      const before = line.windows.findIndex((other, index) => index < at && overlap(other, window));
      const message = `overlaps windows[${before}], which counts where both apply: move one of them`;
      return before < 0 ? [] : [{ path: `${path}.windows[${at}]`, message }];
    }),
  ];
}

function costWarnings(
  { costMicro, typicalCall }: LintInput,
  found: FoundRates,
  path: string,
): readonly PriceWarning[] {
  if (mostOf(found, typicalCall) === 0 && found.rates.perMillionTrainingTokensMicro === 0)
    return [{ path, message: 'is free: give a price if that is not meant' }];
  const price = leastOf(found, typicalCall);
  if (costMicro === undefined || price >= costMicro) return [];
  const where = found.line.monthly === undefined ? 'a call' : 'a call in the cheapest tiers';
  const message = `is under cost: ${where} brings ${formatCredits(price)} and costs ${formatCredits(costMicro)} credits; raise it by ${formatCredits(micro(costMicro - price))} a call`;
  return [{ path, message }];
}

/** What a call brings once it is beyond what is included and in the cheapest tiers. */
function leastOf(found: FoundRates, used: CallMeasure): MicroCredits {
  let sum: number = priceCall(found.rates, used);
  for (const measure of MONTHLY_MEASURES) {
    const plan = found.line.monthly?.plans[measure];
    if (plan === undefined) continue;
    const cheapest = Math.min(...plan.tiers.map(({ priceMicro }) => priceMicro));
    sum += Math.ceil((cheapest * unitsOf(used, measure)) / plan.per);
  }
  return micro(sum);
}

/** A plan is dearer than a pack where its price for a call is above what the pack's credits for one cost. */
function planWarnings(input: LintInput, book: PriceBook, path: string): readonly PriceWarning[] {
  const at = book.prices.findIndex(({ model, tenants }) => model === '*' && tenants === undefined);
  const line = book.prices[at];
  if (line === undefined) return [];
  const callMicro = mostOf({ line, window: undefined, rates: line.rates }, input.typicalCall);
  const [cheapest] = [...input.packs].sort(
    (a, b) => a.priceMinor / a.creditsMicro - b.priceMinor / b.creditsMicro,
  );
  if (cheapest === undefined || callMicro === 0) return [];
  return input.plans.flatMap(({ name, priceMinor, calls }) => {
    const plan = BigInt(priceMinor) * BigInt(cheapest.creditsMicro);
    const packForOneCall = BigInt(cheapest.priceMinor) * BigInt(callMicro);
    if (plan <= packForOneCall * BigInt(calls)) return [];
    const enough = (plan + packForOneCall - 1n) / packForOneCall;
    const message =
      `the plan ${name} is dearer than a pack: ${perCall(BigInt(priceMinor), BigInt(calls))} a call against ` +
      `${perCall(packForOneCall, BigInt(cheapest.creditsMicro))} with ${cheapest.id}; include at least ${enough} calls or lower its price`;
    return [{ path: `${path}.prices[${at}]`, message }];
  });
}

/** Minor units divided, as a decimal of major units with six places, cut off. */
const perCall = (minor: bigint, by: bigint): string => formatCredits(micro(Number((minor * 10_000n) / by)));

const WEEK_MINUTES = 7 * 24 * 60;
const DAY_MINUTES = 24 * 60;

/** Whether two windows share a minute of some week. Of windows in two time zones nothing is said. */
function overlap(a: PriceWindow, b: PriceWindow): boolean {
  if (a.timeZone !== b.timeZone) return false;
  const minutes = new Set(minutesOf(a));
  return minutesOf(b).some((minute) => minutes.has(minute));
}

function minutesOf({ days, fromMinute, untilMinute }: PriceWindow): readonly number[] {
  const length = (untilMinute - fromMinute + DAY_MINUTES) % DAY_MINUTES;
  return days.flatMap((day) =>
    Array.from({ length }, (_, n) => (day * DAY_MINUTES + fromMinute + n) % WEEK_MINUTES),
  );
}
