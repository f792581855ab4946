import * as z from 'zod/mini';
import { describeIssue } from '#core/shared/describeIssue.ts';
import { type MicroCredits, parseCredits } from '#core/shared/money.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { SCOPES } from '#core/tenants/types.ts';
import {
  type AddOn,
  type IntervalPrice,
  ISOLATIONS,
  type OverageTerms,
  type Plan,
  type PlanCatalogue,
  REPORTS,
  RETRAINING,
  SUPPORT_CLOCKS,
} from './plan.ts';

/** A plans file that cannot be used. `message` names the place and what to write there. */
export type BadPlans = { readonly code: 'invalid_plans'; readonly message: string };

const MIN_DISCOUNT = 10;
const MAX_DISCOUNT = 15;
/** What Dodo takes for a subscription, in minor units. */
const MIN_PRICE = 100;
const MAX_PRICE = 1_000_000_000;

const id = z
  .string()
  .check(z.regex(/^[a-z0-9][a-z0-9-]{0,19}$/, 'must be at most 20 lower-case letters, digits and hyphens'));
const name = z.string().check(z.minLength(1), z.maxLength(100));
const dodoId = z.string().check(z.minLength(1), z.maxLength(100));
const price = z.int().check(z.gte(MIN_PRICE), z.lte(MAX_PRICE));
const discount = z.int().check(
  z.refine((percent) => percent >= MIN_DISCOUNT && percent <= MAX_DISCOUNT, {
    error: `must be a whole percent from ${MIN_DISCOUNT} to ${MAX_DISCOUNT}`,
  }),
);
const credits = z.string().check(
  z.refine((text) => (parseCredits(text) ?? -1) >= 0, {
    error: 'must be a decimal string of credits, such as "200"',
  }),
);
const dodoIds = z.strictObject({ monthly: dodoId, annual: dodoId });
const unitPrice = z.string().check(
  z.refine((text) => (minorPerMillion(text) ?? 0) > 0, {
    error: 'must be a decimal string of minor units for one credit above 0, such as "100" or "0.5"',
  }),
);

const PlanFields = z.strictObject({
  id,
  name,
  monthlyPriceMinorUnits: price,
  annualDiscountPercent: discount,
  dodoProductIds: dodoIds,
  setupFee: z.nullable(z.strictObject({ priceMinorUnits: price, dodoProductId: dodoId })),
  includedCredits: credits,
  overage: z.nullable(z.strictObject({ priceMinorUnitsPerCredit: unitPrice, limitCredits: credits })),
  models: z.int().check(z.gte(1), z.lte(1_000)),
  uptimePercent: z
    .string()
    .check(z.regex(/^(100|\d{1,2}(\.\d{1,3})?)$/, 'must be a decimal percent such as "99.5"')),
  isolation: z.enum(ISOLATIONS),
  retraining: z.enum(RETRAINING),
  support: z.strictObject({ clock: z.enum(SUPPORT_CLOCKS), accountManager: z.boolean() }),
  reports: z.array(z.enum(REPORTS)),
});

const PlansFile = z.strictObject({
  currency: z.string().check(z.regex(/^[A-Z]{3}$/, 'must be a currency code such as "USD"')),
  meter: z.strictObject({ eventName: name, dodoMeterId: dodoId }),
  plans: z.array(PlanFields).check(z.minLength(1)),
  addOns: z.array(
    z.strictObject({
      id,
      name,
      monthlyPriceMinorUnits: price,
      annualDiscountPercent: discount,
      dodoAddOnIds: dodoIds,
      models: z.int().check(z.gte(0), z.lte(100)),
    }),
  ),
  licences: z.array(
    z.strictObject({ entitlementId: dodoId, name, scopes: z.array(z.enum(SCOPES)).check(z.minLength(1)) }),
  ),
});

/** Reads the parsed JSON of a plans file. Errors: invalid_plans, with the place and what to write there. */
export function parsePlans(file: unknown): Result<PlanCatalogue, BadPlans> {
  const parsed = z.safeParse(PlansFile, file, { reportInput: true });
  if (!parsed.success) {
    const issue = describeIssue(parsed.error);
    return bad(`${issue.path === '' ? 'the file' : issue.path} ${issue.message}`);
  }
  const { plans, addOns, licences, currency, meter } = parsed.data;
  const repeated = findRepeated(parsed.data);
  if (repeated !== undefined) return bad(repeated);
  return ok({
    currency,
    meter: { id: meter.dodoMeterId, eventName: meter.eventName },
    plans: plans.map(toPlan),
    addOns: addOns.map(toAddOn),
    licences,
  });
}

const bad = (message: string) => err({ code: 'invalid_plans' as const, message });

/** What must be there once: ids of ours, and products, for a payment must say which plan it is for. */
function findRepeated({ plans, addOns, licences }: z.infer<typeof PlansFile>): string | undefined {
  const seen = new Map<string, string>();
  const named: readonly (readonly [string, string])[] = [
    ...plans.flatMap((plan, n) => [
      [`plan ${plan.id}`, `plans[${n}].id`] as const,
      [`at Dodo ${plan.dodoProductIds.monthly}`, `plans[${n}].dodoProductIds.monthly`] as const,
      [`at Dodo ${plan.dodoProductIds.annual}`, `plans[${n}].dodoProductIds.annual`] as const,
    ]),
    ...addOns.flatMap((addOn, n) => [
      [`add-on ${addOn.id}`, `addOns[${n}].id`] as const,
      [`at Dodo ${addOn.dodoAddOnIds.monthly}`, `addOns[${n}].dodoAddOnIds.monthly`] as const,
      [`at Dodo ${addOn.dodoAddOnIds.annual}`, `addOns[${n}].dodoAddOnIds.annual`] as const,
    ]),
    ...licences.map(
      (licence, n) => [`licence ${licence.entitlementId}`, `licences[${n}].entitlementId`] as const,
    ),
  ];
  for (const [what, place] of named) {
    const first = seen.get(what);
    if (first !== undefined) return `${place} repeats ${first}: each needs an id of its own`;
    seen.set(what, place);
  }
  return undefined;
}

/** Twelve months less the discount; whole minor units, rounded down in the client's favour. */
const annualPrice = (monthlyMinor: number, discountPercent: number): number =>
  Math.floor((monthlyMinor * 12 * (100 - discountPercent)) / 100);

function pricesOf(
  fields: { readonly monthlyPriceMinorUnits: number; readonly annualDiscountPercent: number },
  ids: z.infer<typeof dodoIds>,
): { readonly monthly: IntervalPrice; readonly annual: IntervalPrice } {
  const { monthlyPriceMinorUnits: monthly, annualDiscountPercent } = fields;
  return {
    monthly: { priceMinor: monthly, productId: ids.monthly },
    annual: { priceMinor: annualPrice(monthly, annualDiscountPercent), productId: ids.annual },
  };
}

const toPlan = (fields: z.infer<typeof PlanFields>): Plan => ({
  id: fields.id,
  name: fields.name,
  prices: pricesOf(fields, fields.dodoProductIds),
  annualDiscountPercent: fields.annualDiscountPercent,
  setupFee:
    fields.setupFee === null
      ? null
      : { priceMinor: fields.setupFee.priceMinorUnits, productId: fields.setupFee.dodoProductId },
  includedMicro: creditsIn(fields.includedCredits),
  overage: toOverage(fields.overage),
  models: fields.models,
  uptimePercent: fields.uptimePercent,
  isolation: fields.isolation,
  retraining: fields.retraining,
  support: fields.support,
  reports: fields.reports,
});

const toAddOn = (fields: z.infer<typeof PlansFile>['addOns'][number]): AddOn => ({
  id: fields.id,
  name: fields.name,
  prices: pricesOf(fields, fields.dodoAddOnIds),
  models: fields.models,
});

function toOverage(fields: z.infer<typeof PlanFields>['overage']): OverageTerms | null {
  if (fields === null) return null;
  const minorPerMillionCredits = minorPerMillion(fields.priceMinorUnitsPerCredit);
  if (minorPerMillionCredits === undefined) throw new Error('a unit price passed the schema that is not one');
  return { minorPerMillionCredits, limitMicro: creditsIn(fields.limitCredits) };
}

/** `100` minor units for a credit → 100,000,000 for a million of them. A price has at most six decimals, like credits. */
const minorPerMillion = (text: string): number | undefined => parseCredits(text);

function creditsIn(text: string): MicroCredits {
  const amount = parseCredits(text);
  if (amount === undefined) throw new Error('credits passed the schema that are not an amount');
  return amount;
}
