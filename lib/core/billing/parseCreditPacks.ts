import * as z from 'zod/mini';
import { describeIssue } from '#core/shared/describeIssue.ts';
import { type MicroCredits, parseCredits } from '#core/shared/money.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { CreditPack, PackCatalogue } from './types.ts';

/** A credit-packs file that cannot be used. `message` names the place and what to write there. */
export type BadCreditPacks = { readonly code: 'invalid_credit_packs'; readonly message: string };

const Pack = z.strictObject({
  id: z
    .string()
    .check(z.regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be lower-case letters, digits and hyphens')),
  name: z.string().check(z.minLength(1), z.maxLength(100)),
  dodoProductId: z.string().check(z.minLength(1)),
  priceMinorUnits: z.int().check(z.gte(1)),
  currency: z.string().check(z.regex(/^[A-Z]{3}$/, 'must be a currency code such as "USD"')),
  credits: z.string().check(
    z.refine((text) => (parseCredits(text) ?? 0) > 0, {
      error: 'must be a decimal string of credits above 0, such as "50"',
    }),
  ),
  expiresAfterDays: z.optional(z.int().check(z.gte(1))),
  note: z.optional(z.string()),
});

const PacksFile = z.strictObject({
  /** What a credit is worth, in words for those who buy them. */
  currencyNote: z.string(),
  /** The on-demand product at Dodo under which a payment method is kept for refills; absent: no refills are offered. */
  autoRefill: z.optional(z.strictObject({ dodoProductId: z.string().check(z.minLength(1)) })),
  packs: z.array(Pack),
});

/** Reads the parsed JSON of a credit-packs file. Errors: invalid_credit_packs, with the place and what to write there. */
export function parseCreditPacks(file: unknown): Result<PackCatalogue, BadCreditPacks> {
  const parsed = z.safeParse(PacksFile, file);
  if (!parsed.success) {
    const issue = describeIssue(parsed.error);
    return bad(`${issue.path === '' ? 'the file' : issue.path} ${issue.message}`);
  }
  const { packs, currencyNote, autoRefill } = parsed.data;
  const twice = packs.findIndex((pack, at) => packs.findIndex((other) => other.id === pack.id) !== at);
  if (twice >= 0) return bad(`packs[${twice}] repeats the id ${packs[twice]?.id}`);
  return ok({ currencyNote, refillProductId: autoRefill?.dodoProductId ?? null, packs: packs.map(toPack) });
}

const bad = (message: string) => err({ code: 'invalid_credit_packs' as const, message });

const toPack = (pack: z.infer<typeof Pack>): CreditPack => ({
  id: pack.id,
  name: pack.name,
  productId: pack.dodoProductId,
  priceMinor: pack.priceMinorUnits,
  currency: pack.currency,
  creditsMicro: creditsIn(pack.credits),
  expiresAfterDays: pack.expiresAfterDays ?? null,
  note: pack.note ?? null,
});

function creditsIn(text: string): MicroCredits {
  const amount = parseCredits(text);
  if (amount === undefined) throw new Error('credits passed the schema that are not an amount');
  return amount;
}
