import * as z from 'zod/mini';
import { describeIssue } from '#core/shared/describeIssue.ts';
import { type MicroCredits, parseCredits } from '#core/shared/money.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { MonthlyTiers } from './monthlyTiers.ts';

/** Tiers that cannot be used. `message` names the place and what to write there. */
export type BadMonthlyTiers = { readonly code: 'invalid_monthly_tiers'; readonly message: string };

const MAX_PRICE_MICRO = 1_000_000_000_000;
const MAX_TIERS = 50;
/** Units of a month, and so also of a tier's price: far above any month, far below where integers end. */
const MAX_UNITS = 1_000_000_000_000_000;

const units = z.int().check(z.gte(1), z.lte(MAX_UNITS));
const isPrice = (text: string): boolean => {
  const amount = parseCredits(text);
  return amount !== undefined && amount >= 0 && amount <= MAX_PRICE_MICRO;
};
const price = z.string().check(
  z.refine((text: string) => isPrice(text), {
    error:
      'must be a decimal string of credits from "0" to "1000000" with at most six decimals, such as "0.005"',
  }),
);

const Tiers = z.strictObject({
  kind: z.enum(['graduated', 'volume']),
  included: z.optional(z.int().check(z.gte(0), z.lte(MAX_UNITS))),
  per: z.optional(units),
  tiers: z
    .array(z.strictObject({ upTo: z.optional(units), price }))
    .check(z.minLength(1), z.maxLength(MAX_TIERS)),
});
type TiersText = z.infer<typeof Tiers>;

/**
 * Reads `{ kind, included?, per?, tiers: [{ upTo?, price }] }`; the last tier has no `upTo`. Errors:
 * invalid_monthly_tiers: a field that is wrong, tiers that overlap or leave a gap, volume prices that rise.
 */
export function parseMonthlyTiers(value: unknown): Result<MonthlyTiers, BadMonthlyTiers> {
  const parsed = z.safeParse(Tiers, value, { reportInput: true });
  if (!parsed.success) {
    const { path, message } = describeIssue(parsed.error);
    return bad(`${path === '' ? 'the tiers' : path} ${message}`);
  }
  const { kind, included = 0, per = 1, tiers } = parsed.data;
  const mistake = findMistake(parsed.data);
  if (mistake !== undefined) return bad(mistake);
  const priced = tiers.map((tier) => ({ upTo: tier.upTo ?? null, priceMicro: priceIn(tier.price) }));
  return ok({ kind, included, per, tiers: priced });
}

const bad = (message: string) => err({ code: 'invalid_monthly_tiers' as const, message });

/** A tier begins where the one before it ends, so only their ends can be wrong. */
function findMistake({ kind, tiers }: TiersText): string | undefined {
  let before: { readonly upTo: number; readonly priceMicro: number } | undefined;
  for (const [index, { upTo, price: text }] of tiers.entries()) {
    const path = `tiers[${index}]`;
    const priceMicro = priceIn(text);
    const isLast = index === tiers.length - 1;
    if (upTo === undefined && !isLast)
      return `${path}.upTo is required: without an end the tier overlaps those after it`;
    if (upTo !== undefined && isLast)
      return `${path}.upTo leaves a gap above ${upTo}: leave it out of the last tier`;
    if (upTo !== undefined && before !== undefined && upTo <= before.upTo)
      return `${path}.upTo must be above ${before.upTo}, where the tier before it ends: they overlap`;
    // One unit more would cost the rise for the whole month, which no hold can foresee.
    if (kind === 'volume' && before !== undefined && priceMicro > before.priceMicro)
      return `${path}.price must not be above the price of the tier before it: volume prices only fall`;
    before = { upTo: upTo ?? Number.POSITIVE_INFINITY, priceMicro };
  }
  return undefined;
}

function priceIn(text: string): MicroCredits {
  const amount = parseCredits(text);
  if (amount === undefined) throw new Error('a price passed the schema that is not an amount');
  return amount;
}
