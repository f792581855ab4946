import { type Command, InvalidArgumentError } from 'commander';
import type { ComparedPlan } from '#core/pricing/lintPriceBooks.ts';
import { formatCredits, type MicroCredits, parseCredits } from '#core/shared/money.ts';

/** What a price book is compared with when it is looked through. */
export type LintOptions = {
  readonly plan: readonly ComparedPlan[];
  /** Tokens of prompt and answer. */
  readonly call?: readonly [number, number];
  readonly cost?: MicroCredits;
};

/** The same options for every command that looks a book through. */
export const lintOptions = (command: Command): Command =>
  command
    .option(
      '--plan <name=price/calls>',
      'a subscription, such as Growth=100/5000; repeat it for more',
      addPlan,
      [],
    )
    .option('--call <input/output>', 'tokens of a typical call (default: 1000/300)', parseTokens)
    .option('--cost <credits>', 'what serving a typical call costs you', parseAmount);

/** The options as the API takes them. */
export const lintBody = ({ plan, call, cost }: LintOptions) => ({
  plans: plan.map(({ name, priceMinor, calls }) => ({ name, price_minor_units: priceMinor, calls })),
  ...(call === undefined ? {} : { call: { input_tokens: call[0], output_tokens: call[1] } }),
  ...(cost === undefined ? {} : { cost_per_call: formatCredits(cost) }),
});

function addPlan(text: string, plans: readonly ComparedPlan[]): readonly ComparedPlan[] {
  const [, name, price, calls] = /^(.+)=(\d{1,9}(?:\.\d{1,2})?)\/(\d{1,9})$/.exec(text) ?? [];
  if (name === undefined || price === undefined || calls === undefined || Number(calls) === 0)
    throw new InvalidArgumentError('Give a name, a price and the calls included, such as Growth=100/5000.');
  return [...plans, { name, priceMinor: parseAmount(price) / 10_000, calls: Number(calls) }];
}

function parseTokens(text: string): readonly [number, number] {
  const [, input, output] = /^(\d{1,9})\/(\d{1,9})$/.exec(text) ?? [];
  if (input === undefined || output === undefined)
    throw new InvalidArgumentError('Give tokens of prompt and answer, such as 1000/300.');
  return [Number(input), Number(output)];
}

/** An amount of credits that is not negative. */
export function parseAmount(text: string): MicroCredits {
  const amount = parseCredits(text);
  if (amount === undefined || amount < 0)
    throw new InvalidArgumentError('Give a decimal number with at most six decimals, such as 1.41.');
  return amount;
}

/** A whole number above 0. */
export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,11}$/.test(text)) throw new InvalidArgumentError('Give a whole number above 0.');
  return Number(text);
}
