import { addMicro, formatCredits, type MicroCredits, micro } from '#core/shared/money.ts';
import { explainMonth, type PlaceInMonth } from './explainMonth.ts';
import { localTime } from './localTime.ts';
import { priceCall } from './priceCall.ts';
import { type FoundRates, ratesOf } from './ratesOf.ts';
import { isFree, measureOf, type RatedUsage, rateUsage } from './rateUsage.ts';
import type { PriceBook, PriceWindow } from './types.ts';

/** One step of a rating: what was looked at, and what came of it. */
export type RatingStep = { readonly step: string; readonly detail: string };

export type Explanation = {
  readonly steps: readonly RatingStep[];
  readonly amountMicro: MicroCredits | null;
};

/**
 * Every step by which a call came to its price; `place` is where in its month it was settled, for tiers. `amountMicro`
 * is what it is charged; null: it has no price. Of a call by tiers that is not settled, the most that it may be.
 */
export function explainRating(book: PriceBook, call: RatedUsage, place?: PlaceInMonth): Explanation {
  const begun = `in force from ${new Date(book.effectiveFromMs).toISOString()}`;
  const first = { step: 'price book', detail: `${book.id} version ${book.version}, ${begun}` };
  const found = ratesOf(book, call);
  const most = rateUsage(book, call);
  if (found === undefined || !most.ok) {
    const none = { step: 'line', detail: `none for the model ${call.model} and this tenant` };
    return { steps: [first, none], amountMicro: null };
  }
  const steps = [first, ...experimentSteps(book), lineStep(found), ...windowSteps(found, call)];
  if (isFree(call)) {
    const free = { step: 'price', detail: '0: the engine failed before the first token' };
    return { steps: [...steps, free], amountMicro: most.value };
  }
  const parts = [...steps, ...partSteps(found, call)];
  const own = priceCall(found.rates, measureOf(found, call));
  const sum = `${formatCredits(own)} credits: the sum, rounded up to a millionth`;
  if (found.line.monthly === undefined)
    return { steps: [...parts, { step: 'price', detail: sum }], amountMicro: own };
  if (place === undefined) {
    const atMost = `at most ${formatCredits(most.value)} credits: its place in the month is not known`;
    return { steps: [...parts, { step: 'price', detail: atMost }], amountMicro: most.value };
  }
  const month = explainMonth(found, place);
  const amountMicro = addMicro(own, month.amountMicro);
  const whole = {
    step: 'price',
    detail: `${formatCredits(amountMicro)} credits, ${formatCredits(own)} of them by itself`,
  };
  return { steps: [...parts, ...month.steps, whole], amountMicro };
}

const experimentSteps = ({ armOf }: PriceBook): readonly RatingStep[] =>
  armOf === undefined
    ? []
    : [
        {
          step: 'experiment',
          detail: `${armOf.experiment}, version ${armOf.version} of the tenant's book ${armOf.book}, sends it here`,
        },
      ];

export function lineStep({ line }: Pick<FoundRates, 'line'>): RatingStep {
  const models = line.model === '*' ? 'every model without a line of its own' : `the model ${line.model}`;
  return {
    step: 'line',
    detail: `for ${models}, ${line.tenants === undefined ? 'every tenant' : 'this tenant'}`,
  };
}

function windowSteps({ line, window }: FoundRates, call: RatedUsage): readonly RatingStep[] {
  if (line.windows.length === 0) return [];
  if (window === undefined)
    return [{ step: 'hour', detail: 'no window: the call began outside of them all' }];
  return [
    { step: 'hour', detail: `${clockText(window, call.startedAtMs)}, in the window ${windowText(window)}` },
  ];
}

const clockText = ({ timeZone }: PriceWindow, atMs: number): string =>
  `it began at ${timeText(localTime(timeZone, atMs).minute)} in ${timeZone}`;
const windowText = ({ fromMinute, untilMinute }: PriceWindow): string =>
  `${timeText(fromMinute)} to ${timeText(untilMinute)}`;
const timeText = (minute: number): string =>
  [Math.floor(minute / 60), minute % 60].map((part) => String(part).padStart(2, '0')).join(':');

/** The parts that have a price, each with its exact share before the sum is rounded. */
function partSteps({ rates, line }: FoundRates, call: RatedUsage): readonly RatingStep[] {
  const charged = Math.min(call.computeMs, line.maxComputeMs);
  const capped = charged < call.computeMs ? `, of ${call.computeMs} worked` : '';
  return [
    part('request', '1', rates.perRequestMicro, { count: 1, per: 1, of: 'a request' }),
    part('input tokens', String(call.inputTokens), rates.perMillionInputTokensMicro, {
      count: call.inputTokens,
      per: 1_000_000,
      of: 'a million',
    }),
    part('output tokens', String(call.outputTokens), rates.perMillionOutputTokensMicro, {
      count: call.outputTokens,
      per: 1_000_000,
      of: 'a million',
    }),
    part('compute', `${charged} ms${capped}`, rates.perComputeSecondMicro, {
      count: charged,
      per: 1_000,
      of: 'a second',
    }),
  ].filter((step) => step !== undefined);
}

/** A part of a price, with its exact share before the sum is rounded; undefined for one that costs nothing. */
export function part(
  step: string,
  count: string,
  priceMicro: MicroCredits,
  measure: { readonly count: number; readonly per: number; readonly of: string },
): RatingStep | undefined {
  if (priceMicro === 0) return undefined;
  const share = shareText(BigInt(priceMicro) * BigInt(measure.count), BigInt(measure.per));
  return { step, detail: `${count} × ${formatCredits(priceMicro)} ${measure.of} = ${share}` };
}

/** µcr divided by a power of ten as an exact decimal of credits. */
function shareText(dividend: bigint, divisor: bigint): string {
  const whole = formatCredits(micro(Number(dividend / divisor)));
  const rest = dividend % divisor;
  if (rest === 0n) return whole;
  const [credits, decimals = ''] = whole.split('.');
  const beyond = String(rest)
    .padStart(String(divisor).length - 1, '0')
    .replace(/0+$/, '');
  return `${credits}.${decimals.padEnd(6, '0')}${beyond}`;
}
