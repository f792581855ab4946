import { respond } from '#api/http.ts';
import { formatCredits } from '#core/shared/money.ts';
import { INTERVALS, type IntervalPrice, type Plan, type PlanCatalogue } from '#core/subscriptions/plan.ts';
import type { AccountDeps } from './deps.ts';
import type { RouteHandler } from './dispatch.ts';
import type { AccountHandler } from './dispatchAccount.ts';
import { listBody } from './fields.ts';

/** `GET /subscription/plans` → the plans on sale, with everything that each one promises, and the add-ons. */
export const listPlans: AccountHandler = async (deps) => respond(200, plansBody(deps));

/** `GET /admin/plans` → the same. */
export const listAdminPlans: RouteHandler = async (deps) => respond(200, plansBody(deps));

const plansBody = ({ subscriptions: { catalogue } }: AccountDeps) => ({
  ...listBody(catalogue.plans.map((plan) => planBody(plan, catalogue.currency))),
  add_ons: catalogue.addOns.map((addOn) => ({
    id: addOn.id,
    object: 'add_on',
    name: addOn.name,
    models: addOn.models,
    prices: pricesBody(addOn.prices, catalogue.currency),
  })),
});

const planBody = (plan: Plan, currency: string) => ({
  id: plan.id,
  object: 'plan',
  name: plan.name,
  prices: pricesBody(plan.prices, currency),
  annual_discount_percent: plan.annualDiscountPercent,
  setup_fee: plan.setupFee === null ? null : priceBody(plan.setupFee, currency),
  included_credits: formatCredits(plan.includedMicro),
  overage: overageBody(plan, currency),
  models: plan.models,
  sla: { uptime_percent: plan.uptimePercent },
  isolation: plan.isolation,
  retraining: plan.retraining,
  support: { clock: plan.support.clock, account_manager: plan.support.accountManager },
  reports: plan.reports,
});

/** A credit's price in minor units as a decimal string: it may be a part of one. */
const overageBody = ({ overage }: Plan, currency: string) =>
  overage === null
    ? null
    : {
        price_per_credit: { minor_units: minorText(overage.minorPerMillionCredits), currency },
        limit_credits: formatCredits(overage.limitMicro),
      };

const minorText = (minorPerMillion: number): string => String(minorPerMillion / 1_000_000);

const pricesBody = (prices: PlanCatalogue['plans'][number]['prices'], currency: string) =>
  Object.fromEntries(INTERVALS.map((interval) => [interval, priceBody(prices[interval], currency)]));

const priceBody = ({ priceMinor }: IntervalPrice, currency: string) => ({
  minor_units: priceMinor,
  currency,
});
