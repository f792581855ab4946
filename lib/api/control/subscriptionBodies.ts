import type { ApiError } from '#api/errors.ts';
import { formatCredits } from '#core/shared/money.ts';
import type { ChangeRefused } from '#core/subscriptions/changeSubscription.ts';
import { invoiceOf } from '#core/subscriptions/invoice.ts';
import type {
  OpenedSubscriptionCheckout,
  OpenSubscriptionRefused,
} from '#core/subscriptions/openSubscription.ts';
import { addOnsOf, type PlanCatalogue, planOfProduct } from '#core/subscriptions/plan.ts';
import type { PlanUsage } from '#core/subscriptions/planUsage.ts';
import type { ChangePreview, PlanChange } from '#core/subscriptions/ports.ts';
import { isFinal } from '#core/subscriptions/status.ts';
import type { SubscriptionRecord } from '#core/subscriptions/types.ts';
import { providerRefusal } from './creditCheckout.ts';
import { toSeconds } from './fields.ts';
import { TENANT_NOT_FOUND } from './tenantRefusals.ts';

/** A subscription as the API shows it; `used` says what is left of its month. */
export function subscriptionBody(
  record: SubscriptionRecord | undefined,
  catalogue: PlanCatalogue,
  used: PlanUsage,
) {
  if (record === undefined) return { object: 'subscription', status: 'none', plan: null };
  const next = record.scheduledChange;
  return {
    id: record.id,
    object: 'subscription',
    status: record.status,
    plan: record.planId,
    interval: record.interval,
    add_ons: record.addOns,
    current_period: periodBody(record.billing),
    cancel_at_period_end: record.cancelAtPeriodEnd,
    scheduled_change:
      next === null
        ? null
        : {
            plan: planOfProduct(catalogue, next.productId)?.plan.id ?? null,
            interval: planOfProduct(catalogue, next.productId)?.interval ?? null,
            at: toSeconds(next.effectiveAtMs),
          },
    past_due_until: record.pastDueEndsAtMs === null ? null : toSeconds(record.pastDueEndsAtMs),
    usage: usageBody(record, used),
    next_invoice: nextInvoice(record, catalogue, used),
    created_at: toSeconds(record.createdAtMs),
  };
}

const periodBody = ({ startMs, endMs }: SubscriptionRecord['billing']) => ({
  from: toSeconds(startMs),
  to: toSeconds(endMs),
});

/** What the plan gave for the month that runs, and what is left of it. */
function usageBody({ usage }: SubscriptionRecord, used: PlanUsage) {
  if (usage === null) return null;
  return {
    period: periodBody(usage.period),
    included_credits: formatCredits(used.includedMicro),
    included_left: formatCredits(used.includedLeftMicro),
    overage_limit: formatCredits(used.overageLimitMicro),
    overage_used: formatCredits(used.overageMonthMicro),
  };
}

/**
 * What the next payment will come to, as far as it is known now: the plan as it will be then, and the overage since
 * the last payment at the price of the plan that allowed it.
 */
function nextInvoice(record: SubscriptionRecord, catalogue: PlanCatalogue, used: PlanUsage) {
  if (isFinal(record.status) || record.cancelAtPeriodEnd) return null;
  const change = record.scheduledChange;
  const planned = change === null ? undefined : planOfProduct(catalogue, change.productId);
  const current = catalogue.plans.find(({ id }) => id === record.planId);
  const plan = planned?.plan ?? current;
  const interval = planned?.interval ?? record.interval;
  if (plan === undefined || interval === null) return null;
  const { lines, totalMinor, currency } = invoiceOf(catalogue, {
    plan,
    interval,
    addOns: change === null ? record.addOns : addOnsOf(catalogue, change.addOns),
    overageMicro: used.overageUnbilledMicro,
    overagePlan: current ?? plan,
  });
  return {
    at: toSeconds(record.billing.endMs),
    total: { minor_units: totalMinor, currency },
    lines: lines.map(({ kind, description, quantity, amountMinor }) => ({
      kind,
      description,
      quantity,
      minor_units: amountMinor,
    })),
  };
}

export const subscriptionCheckoutBody = (checkout: OpenedSubscriptionCheckout) => ({
  id: checkout.id,
  object: 'subscription_checkout',
  checkout_url: checkout.session.url,
  plan: checkout.planId,
  interval: checkout.interval,
  add_ons: checkout.addOns,
  setup_fee: checkout.withSetup,
  created_at: toSeconds(checkout.createdAtMs),
});

export const previewBody = (preview: ChangePreview & Pick<PlanChange, 'effective'>) => ({
  object: 'subscription_preview',
  effective: preview.effective,
  charge: { minor_units: preview.chargeMinor, currency: preview.currency },
  tax: { minor_units: preview.taxMinor, currency: preview.currency },
  /** To the customer's balance at the payment provider (above 0), or from it (below). */
  balance: { minor_units: preview.creditsMinor, currency: preview.currency },
  recurring: { minor_units: preview.recurringMinor, currency: preview.currency },
  next_billing_at: toSeconds(preview.nextBillingMs),
});

/** What a refusal about a subscription is to the client. */
export function subscriptionRefusal(refused: OpenSubscriptionRefused | ChangeRefused): ApiError {
  switch (refused.code) {
    case 'unknown_plan':
    case 'unknown_add_on':
      return {
        code: 'invalid_request',
        message: `There is no such ${refused.code === 'unknown_plan' ? 'plan' : 'add-on'}. There are: ${refused.known.join(', ')}.`,
        param: refused.code === 'unknown_plan' ? 'plan' : 'add_ons',
      };
    case 'tenant_not_found':
      return TENANT_NOT_FOUND;
    case 'idempotency_key_reused':
      return {
        code: 'idempotency_key_reused',
        message: 'This idempotency-key was used for another checkout. Use a new one for a new checkout.',
      };
    case 'already_subscribed':
      return { code: 'conflict', message: 'There is a subscription already. Change it, or cancel it first.' };
    case 'no_subscription':
      return {
        code: 'not_found',
        message: 'There is no subscription. POST /v1/subscription/checkout opens one.',
      };
    case 'subscription_not_open':
      return {
        code: 'conflict',
        message: 'The subscription waits for a payment or is paused. It can be changed when it is active.',
      };
    case 'change_in_progress':
      return {
        code: 'conflict',
        message: 'Another change is on its way. Look at the subscription in two minutes.',
      };
    case 'cheaper_waits':
      return {
        code: 'invalid_request',
        message:
          'What is cheaper begins with the next payment. Leave `effective` out, or give "next_period".',
        param: 'effective',
      };
    case 'change_refused':
      return {
        code: 'conflict',
        message:
          'The payment provider refused the change; the plan stays as it is. Check the payment method.',
      };
    case 'customer_refused':
    case 'payment_provider_unavailable':
      return providerRefusal(refused.code);
    default:
      return refused satisfies never;
  }
}
