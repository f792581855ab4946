import { readFileSync } from 'node:fs';
import type { DodoPayments } from 'dodopayments';
import { parsePlans } from '#core/subscriptions/parsePlans.ts';
import { INTERVALS, type Interval, type PlanCatalogue } from '#core/subscriptions/plan.ts';
import { BUSINESS_ID } from './newPayment.ts';
import { createProduct } from './payments.ts';
import type { Shop } from './shop.ts';

const FREQUENCY: Readonly<Record<Interval, DodoPayments.TimeInterval>> = { monthly: 'Month', annual: 'Year' };
/** Minor units for a million credits, in minor units for one µcr. */
const MICRO_PER_MILLION_CREDITS = 1e12;

/** Makes the products, add-ons and the meter that the plans of a file are sold with. */
export function seedPlans(shop: Shop, plansFile: string): void {
  const catalogue = parsePlans(JSON.parse(readFileSync(plansFile, 'utf8')));
  if (!catalogue.ok) throw new Error(`${plansFile}: ${catalogue.error.message}`);
  seedMeter(shop, catalogue.value);
  for (const plan of catalogue.value.plans) {
    for (const interval of INTERVALS) seedPlan(shop, catalogue.value, plan, interval);
    if (plan.setupFee === null) continue;
    createProduct(shop, {
      product_id: plan.setupFee.productId,
      name: `${plan.name}, setup`,
      tax_category: 'saas',
      price: { type: 'one_time_price', currency: 'USD', price: plan.setupFee.priceMinor },
    });
  }
  seedAddOns(shop, catalogue.value);
  for (const { entitlementId } of catalogue.value.licences) shop.state.entitlements[entitlementId] = 'manual';
}

function seedPlan(
  shop: Shop,
  { meter }: PlanCatalogue,
  plan: PlanCatalogue['plans'][number],
  interval: Interval,
): void {
  const unit = (plan.overage?.minorPerMillionCredits ?? 0) / MICRO_PER_MILLION_CREDITS;
  createProduct(shop, {
    product_id: plan.prices[interval].productId,
    name: `${plan.name}, ${interval}`,
    tax_category: 'saas',
    price: {
      type: 'usage_based_price',
      currency: 'USD',
      fixed_price: plan.prices[interval].priceMinor,
      payment_frequency_count: 1,
      payment_frequency_interval: FREQUENCY[interval],
      subscription_period_count: 10,
      subscription_period_interval: 'Year',
      meters:
        plan.overage === null
          ? []
          : [{ meter_id: meter.id, free_threshold: 0, price_per_unit: unit.toFixed(12) }],
    },
  });
}

function seedMeter(shop: Shop, { meter }: PlanCatalogue): void {
  const at = new Date().toISOString();
  shop.state.meters[meter.id] = {
    id: meter.id,
    name: 'Overage',
    event_name: meter.eventName,
    measurement_unit: 'micro-credit',
    aggregation: { type: 'sum', key: 'micro_credits' },
    business_id: BUSINESS_ID,
    created_at: at,
    updated_at: at,
  };
}

function seedAddOns(shop: Shop, { addOns }: PlanCatalogue): void {
  for (const addOn of addOns) {
    for (const interval of INTERVALS) {
      const { productId, priceMinor } = addOn.prices[interval];
      shop.state.addOns[productId] = { name: addOn.name, price: priceMinor };
    }
  }
}
