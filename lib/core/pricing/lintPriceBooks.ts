import type { CreditPack } from '#core/billing/types.ts';
import { formatCredits, type MicroCredits, micro } from '#core/shared/money.ts';
import { findOverlaps } from './findOverlaps.ts';
import { localMonth } from './localTime.ts';
import { mostOf, unitsOf } from './mostOf.ts';
import { nameTiers } from './nameTiers.ts';
import { type CallMeasure, priceCall } from './priceCall.ts';
import type { FoundRates } from './ratesOf.ts';
import { type Experiment, MONTHLY_MEASURES, type ModelPrice, type PriceBook } from './types.ts';

/** A subscription, as far as its price can be compared: what it costs, and the calls that it includes. */
export type ComparedPlan = { readonly name: string; readonly priceMinor: number; readonly calls: number };

/** Credits that are sold in another way than by the pack, such as a plan's overage. */
export type SoldCredits = {
  readonly name: string;
  readonly priceMinor: number;
  readonly creditsMicro: number;
};

export type LintInput = {
  readonly books: readonly PriceBook[];
  /** The call that prices are compared by. */
  readonly typicalCall: CallMeasure;
  /** What serving that call costs the agency; undefined: not known, so nothing is said about it. */
  readonly costMicro: MicroCredits | undefined;
  /** On sale, in the plans' currency. */
  readonly packs: readonly CreditPack[];
  readonly plans: readonly ComparedPlan[];
  readonly soldCredits: readonly SoldCredits[];
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
      ...armWarnings(input.books, book, path),
      ...monthWarnings(input.books, book, path),
      ...book.prices.flatMap((line, at) =>
        lineWarnings(input, line, { path: `${path}.prices[${at}]`, from: book.effectiveFromMs }),
      ),
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

/** Tenants stay in their arm while id and arms do. */
function armWarnings(books: readonly PriceBook[], book: PriceBook, path: string): readonly PriceWarning[] {
  const before = versionBefore(books, book)?.experiment;
  const { experiment } = book;
  if (experiment === undefined || before?.id !== experiment.id) return [];
  const armsOf = ({ arms }: Experiment) => JSON.stringify(arms.map((arm) => [arm.book, arm.weight]));
  if (armsOf(before) === armsOf(experiment)) return [];
  const message = `is the id of an experiment with other arms, so that tenants move from arm to arm in the midst of it: give it a new id`;
  return [{ path: `${path}.experiment.id`, message }];
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

function lineWarnings(
  input: LintInput,
  line: ModelPrice,
  { path, from }: { readonly path: string; readonly from: number },
): readonly PriceWarning[] {
  const priced = [
    { path, found: { line, window: undefined, rates: line.rates } },
    ...line.windows.map((window, at) => ({
      path: `${path}.windows[${at}]`,
      found: { line, window, rates: window.rates },
    })),
  ];
  return [
    ...priced.flatMap(({ path: place, found }) => costWarnings(input, found, place)),
    ...findOverlaps(line.windows, from).map(({ at, before }) => ({
      path: `${path}.windows[${at}]`,
      message: `overlaps windows[${before}], which counts where both apply: move one of them`,
    })),
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
  const packs = [...input.packs].sort(
    (a, b) => a.priceMinor / a.creditsMicro - b.priceMinor / b.creditsMicro,
  );
  const [cheapest, dearest] = [packs[0], packs.at(-1)];
  if (cheapest === undefined || dearest === undefined || callMicro === 0) return [];
  const sold = soldCreditsWarnings(input.soldCredits, dearest, callMicro);
  const found = comparedPlanWarnings(input.plans, cheapest, callMicro);
  return [...found, ...sold].map((message) => ({ path: `${path}.prices[${at}]`, message }));
}

function comparedPlanWarnings(
  plans: readonly ComparedPlan[],
  cheapest: CreditPack,
  callMicro: MicroCredits,
): readonly string[] {
  return plans.flatMap(({ name, priceMinor, calls }) => {
    const plan = BigInt(priceMinor) * BigInt(cheapest.creditsMicro);
    const packForOneCall = BigInt(cheapest.priceMinor) * BigInt(callMicro);
    if (plan <= packForOneCall * BigInt(calls)) return [];
    const enough = (plan + packForOneCall - 1n) / packForOneCall;
    const message =
      `the plan ${name} is dearer than a pack: ${perCall(BigInt(priceMinor), BigInt(calls))} a call against ` +
      `${perCall(packForOneCall, BigInt(cheapest.creditsMicro))} with ${cheapest.id}; include at least ${enough} calls or lower its price`;
    return [message];
  });
}

/** Nobody who may buy a pack would pay more for the same credits: so what is dearer than every pack is a mistake. */
function soldCreditsWarnings(
  sold: readonly SoldCredits[],
  dearest: CreditPack,
  callMicro: MicroCredits,
): readonly string[] {
  const inPack = BigInt(dearest.priceMinor) * BigInt(callMicro);
  return sold.flatMap(({ name, priceMinor, creditsMicro }) => {
    const isDearer =
      BigInt(priceMinor) * BigInt(dearest.creditsMicro) > BigInt(dearest.priceMinor) * BigInt(creditsMicro);
    if (!isDearer) return [];
    const price = perCall(BigInt(priceMinor) * BigInt(callMicro), BigInt(creditsMicro));
    const packs = perCall(inPack, BigInt(dearest.creditsMicro));
    return [
      `${name} is dearer than every pack: ${price} a call against ${packs} with ${dearest.id}; lower its price`,
    ];
  });
}

/** Minor units divided, as a decimal of major units with six places, cut off. */
const perCall = (minor: bigint, by: bigint): string => formatCredits(micro(Number((minor * 10_000n) / by)));
