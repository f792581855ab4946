import type { MicroCredits } from '#core/shared/money.ts';
import type { Scope } from '#core/tenants/types.ts';

export const INTERVALS = ['monthly', 'annual'] as const;
/** How often a subscription is paid. Usage is included by the month either way. */
export type Interval = (typeof INTERVALS)[number];

/** What one interval costs and which product at Dodo sells it. Minor units of the catalogue's currency, before tax. */
export type IntervalPrice = { readonly priceMinor: number; readonly productId: string };

/** Usage beyond what is prepaid, invoiced afterwards. */
export type OverageTerms = {
  /** In minor units for a million credits, so that it is an integer: $1 a credit is 100,000,000. */
  readonly minorPerMillionCredits: number;
  /** What one month may take on account. */
  readonly limitMicro: MicroCredits;
};

export const RETRAINING = ['quarterly', 'monthly', 'every_two_weeks'] as const;
export const REPORTS = ['usage', 'evaluation', 'custom_evaluation', 'stakeholder_review'] as const;
export const SUPPORT_CLOCKS = ['next_business_day', '4_hours'] as const;
export const ISOLATIONS = ['shared', 'dedicated'] as const;

/**
 * A tier as one object: whatever it promises stands here, and everything that keeps a promise (the invoice, the
 * ledger, the endpoint, the retraining schedule, the reports, the clock of a ticket) reads it from here.
 */
export type Plan = {
  readonly id: string;
  readonly name: string;
  readonly prices: Readonly<Record<Interval, IntervalPrice>>;
  readonly annualDiscountPercent: number;
  /** Paid once, with the first payment; null: none. */
  readonly setupFee: IntervalPrice | null;
  /** Credits included each month; they do not accumulate. */
  readonly includedMicro: MicroCredits;
  /** Null: nothing beyond what is prepaid. */
  readonly overage: OverageTerms | null;
  readonly models: number;
  /** Decimal percent of a month, `99.5`. */
  readonly uptimePercent: string;
  readonly isolation: (typeof ISOLATIONS)[number];
  readonly retraining: (typeof RETRAINING)[number];
  readonly support: {
    readonly clock: (typeof SUPPORT_CLOCKS)[number];
    readonly accountManager: boolean;
  };
  readonly reports: readonly (typeof REPORTS)[number][];
};

/** Something bought beside a plan, any number of times: another model, say. */
export type AddOn = {
  readonly id: string;
  readonly name: string;
  /** `productId` is the add-on's id at Dodo. */
  readonly prices: Readonly<Record<Interval, IntervalPrice>>;
  readonly models: number;
};

/** A licence-key entitlement at Dodo whose keys work as API keys, and what they may do. */
export type LicenceTerms = {
  readonly entitlementId: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
};

export type PlanCatalogue = {
  readonly currency: string;
  /** The meter at Dodo that overage is reported to, in µcr. */
  readonly meter: { readonly id: string; readonly eventName: string };
  readonly plans: readonly Plan[];
  readonly addOns: readonly AddOn[];
  readonly licences: readonly LicenceTerms[];
};

export type ChosenAddOn = { readonly id: string; readonly quantity: number };

/** The plan and interval that a product at Dodo sells; undefined when none does. */
export function planOfProduct(
  { plans }: Pick<PlanCatalogue, 'plans'>,
  productId: string,
): { readonly plan: Plan; readonly interval: Interval } | undefined {
  for (const plan of plans) {
    const interval = INTERVALS.find((one) => plan.prices[one].productId === productId);
    if (interval !== undefined) return { plan, interval };
  }
  return undefined;
}

/** The add-ons that a subscription at Dodo has, by our ids; those that are not ours are left out. */
export const addOnsOf = (
  { addOns }: Pick<PlanCatalogue, 'addOns'>,
  bought: readonly { readonly addOnId: string; readonly quantity: number }[],
): readonly ChosenAddOn[] =>
  bought.flatMap(({ addOnId, quantity }) => {
    const found = addOns.find(({ prices }) => INTERVALS.some((one) => prices[one].productId === addOnId));
    return found === undefined ? [] : [{ id: found.id, quantity }];
  });
