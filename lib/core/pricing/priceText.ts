import * as z from 'zod/mini';
import { formatCredits, type MicroCredits, parseCredits } from '#core/shared/money.ts';
import { isTimeZone } from './localTime.ts';

/** The highest price of one request, second or million tokens, in credits; it keeps every amount far from overflow. */
export const MAX_PRICE_CREDITS = 1_000_000;

/** A text that is as `error` says it must be. */
export const must = (isRight: (text: string) => boolean, error: string) =>
  z.string().check(z.refine((text: string) => isRight(text), { error: `must be ${error}` }));

/** A decimal string of credits. */
export const price = (maxCredits: number) =>
  must(
    (text) => isPrice(text, maxCredits),
    `a decimal string of credits from "0" to "${maxCredits}" with at most six decimals, such as "0.005"`,
  );

export const timeZone = must(isTimeZone, 'an IANA time zone such as "Europe/Berlin"');

function isPrice(text: string, maxCredits: number): boolean {
  const amount = parseCredits(text);
  return amount !== undefined && amount >= 0 && amount <= maxCredits * 1_000_000;
}

/** An amount that the schema let through. */
export function priceIn(text: string): MicroCredits {
  const amount = parseCredits(text);
  if (amount === undefined) throw new Error('a price passed the schema that is not an amount');
  return amount;
}

const PLAIN = /^(?:0|[1-9]\d*)(?:\.\d+)?$/;

/** A price is written in one way alone, so that nobody reads " 1", "+1" or "-0" as something else. */
export const mistakeInPrice = (text: string): string | undefined =>
  PLAIN.test(text)
    ? undefined
    : `must be written plainly, without a sign, blanks or leading zeros: "${priceText(text)}"`;

const priceText = (text: string): string => formatCredits(priceIn(text));
