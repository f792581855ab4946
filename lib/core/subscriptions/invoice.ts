import { formatCredits, type MicroCredits, ZERO } from '#core/shared/money.ts';
import type { ChosenAddOn, Interval, Plan, PlanCatalogue } from './plan.ts';

export type InvoiceLine = {
  readonly kind: 'plan' | 'add_on' | 'setup' | 'overage';
  readonly description: string;
  readonly quantity: string;
  readonly amountMinor: number;
};

export type Invoice = {
  readonly currency: string;
  readonly lines: readonly InvoiceLine[];
  /** Before tax: Dodo is the merchant of record and adds it. */
  readonly totalMinor: number;
};

/**
 * What one payment of a subscription comes to: the plan and its add-ons for the interval that begins, the overage of
 * the one that ended, and the setup fee the first time.
 */
export function invoiceOf(
  { currency, addOns }: Pick<PlanCatalogue, 'currency' | 'addOns'>,
  bought: {
    readonly plan: Plan;
    readonly interval: Interval;
    readonly addOns: readonly ChosenAddOn[];
    readonly overageMicro?: MicroCredits;
    /** Whose price overage has; absent: the plan's. */
    readonly overagePlan?: Plan;
    readonly withSetup?: boolean;
  },
): Invoice {
  const { plan, interval, overageMicro = ZERO, overagePlan = plan, withSetup = false } = bought;
  const lines: InvoiceLine[] = [
    {
      kind: 'plan',
      description: `${plan.name}, ${interval}`,
      quantity: '1',
      amountMinor: plan.prices[interval].priceMinor,
    },
  ];
  for (const { id, quantity } of bought.addOns) {
    const addOn = addOns.find((one) => one.id === id);
    if (addOn === undefined || quantity === 0) continue;
    const amountMinor = addOn.prices[interval].priceMinor * quantity;
    lines.push({ kind: 'add_on', description: addOn.name, quantity: String(quantity), amountMinor });
  }
  if (overageMicro > 0) {
    const quantity = `${formatCredits(overageMicro)} credits`;
    lines.push({
      kind: 'overage',
      description: 'beyond what is prepaid',
      quantity,
      amountMinor: overageMinor(overagePlan, overageMicro),
    });
  }
  if (withSetup && plan.setupFee !== null) {
    lines.push({ kind: 'setup', description: 'setup', quantity: '1', amountMinor: plan.setupFee.priceMinor });
  }
  return { currency, lines, totalMinor: lines.reduce((sum, { amountMinor }) => sum + amountMinor, 0) };
}

const MICRO_PER_MILLION_CREDITS = 1_000_000_000_000n;

/** What overage costs in minor units, multiplied first and divided once, half a unit rounded up. */
export function overageMinor({ overage }: Pick<Plan, 'overage'>, amountMicro: MicroCredits): number {
  if (overage === null) return 0;
  const exact = BigInt(amountMicro) * BigInt(overage.minorPerMillionCredits);
  return Number((exact + MICRO_PER_MILLION_CREDITS / 2n) / MICRO_PER_MILLION_CREDITS);
}
