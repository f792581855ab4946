import type { ProviderUnavailable } from '#core/billing/ports.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { type ApplySubscriptionDeps, applySubscription } from './applySubscription.ts';
import { boughtAddOns, type UnknownAddOn } from './boughtAddOns.ts';
import { invoiceOf } from './invoice.ts';
import type { ChosenAddOn, Interval, Plan, PlanCatalogue } from './plan.ts';
import type { ChangePreview, PlanChange, SubscriptionProvider, SubscriptionStore } from './ports.ts';
import { ACCESS } from './status.ts';
import type { ObservedSubscription, SubscriptionRecord } from './types.ts';

export type ChangeDeps = ApplySubscriptionDeps & {
  readonly provider: Pick<
    SubscriptionProvider,
    'readSubscription' | 'previewChange' | 'changePlan' | 'dropScheduledChange' | 'cancelAtPeriodEnd'
  >;
  readonly store: ApplySubscriptionDeps['store'] & Pick<SubscriptionStore, 'subscriptionOf'>;
};

export type WantedChange = {
  readonly tenantId: TenantId;
  readonly planId: string;
  readonly interval: Interval;
  readonly addOns: readonly ChosenAddOn[];
  /** Undefined: what is dearer now, what is cheaper with the next payment. */
  readonly effective?: PlanChange['effective'] | undefined;
  /**
   * Whether what is cheaper may begin now: then the payment provider credits what was paid for the rest of the
   * period, though its usage may be used up already. For the agency to decide.
   */
  readonly mayCheapenNow: boolean;
};

export type ChangeRefused =
  | UnknownAddOn
  | { readonly code: 'unknown_plan'; readonly known: readonly string[] }
  | { readonly code: 'no_subscription' | 'subscription_not_open' | 'change_in_progress' }
  | { readonly code: 'cheaper_waits' }
  /** Dodo understood and said no: the payment failed, or another change waits. `detail` is for the log. */
  | { readonly code: 'change_refused'; readonly detail: string }
  | ProviderUnavailable;

/** Longer than any call to Dodo may take: by then its outcome can be seen. */
const INTENT_MS = 120_000;

type Planned = { readonly record: SubscriptionRecord; readonly change: PlanChange; readonly plan: Plan };

/** What Dodo would charge for a change, without making it. */
export async function previewSubscriptionChange(
  deps: ChangeDeps,
  wanted: WantedChange,
): Promise<Result<ChangePreview & Pick<PlanChange, 'effective'>, ChangeRefused>> {
  const planned = await plan(deps, wanted);
  if (!planned.ok) return planned;
  const { record, change } = planned.value;
  const preview = await deps.provider.previewChange(record.id, change);
  return preview.ok ? ok({ ...preview.value, effective: change.effective }) : err(refusalOf(preview.error));
}

/**
 * Changes plan, interval or add-ons. It charges, and Dodo knows no repeats: so it looks first whether the change is
 * made already, writes down that it is about to ask, and looks again when the answer is lost. Two at once: the second
 * is refused with `change_in_progress`.
 */
export async function changeSubscription(
  deps: ChangeDeps,
  wanted: WantedChange,
): Promise<Result<SubscriptionRecord, ChangeRefused>> {
  const planned = await plan(deps, wanted);
  if (!planned.ok) return planned;
  const { record, change } = planned.value;
  const before = await deps.provider.readSubscription(record.id);
  if (!before.ok) return err(unavailable(before.error));
  if (isMade(before.value, change)) return bringUp(deps, record.id);
  if (isStaying(before.value, change)) return stay(deps, record.id);

  const intent = { productId: change.productId, atMs: deps.clock() };
  const asked: SubscriptionRecord = { ...record, version: record.version + 1, change: intent };
  if (!(await deps.store.saveSubscription(asked))) return err({ code: 'change_in_progress' });
  const changed = await deps.provider.changePlan(record.id, change);
  if (!changed.ok && changed.error.code === 'payment_provider_unavailable') {
    const after = await deps.provider.readSubscription(record.id);
    // Not seen: the intent stands, so that nobody asks again before the outcome can be seen.
    if (!after.ok || !isMade(after.value, change)) return err(changed.error);
  }
  await forget(deps, record.id);
  if (!changed.ok && changed.error.code === 'payment_provider_refused') return err(refusalOf(changed.error));
  return bringUp(deps, record.id);
}

/** Ends the subscription with what is paid for, or takes that back. Repeating it changes nothing. */
export async function cancelSubscription(
  deps: ChangeDeps,
  { tenantId, cancel }: { readonly tenantId: TenantId; readonly cancel: boolean },
): Promise<Result<SubscriptionRecord, ChangeRefused>> {
  const record = await openRecord(deps, tenantId);
  if (!record.ok) return record;
  const cancelled = await deps.provider.cancelAtPeriodEnd(record.value.id, cancel);
  return cancelled.ok ? bringUp(deps, record.value.id) : err(refusalOf(cancelled.error));
}

async function openRecord(
  { store }: ChangeDeps,
  tenantId: TenantId,
): Promise<Result<SubscriptionRecord, ChangeRefused>> {
  const record = await store.subscriptionOf(tenantId);
  if (record === undefined || ACCESS[record.status] === 'ended') return err({ code: 'no_subscription' });
  if (ACCESS[record.status] !== 'open') return err({ code: 'subscription_not_open' });
  return ok(record);
}

async function plan(deps: ChangeDeps, wanted: WantedChange): Promise<Result<Planned, ChangeRefused>> {
  const { catalogue } = deps;
  const target = catalogue.plans.find(({ id }) => id === wanted.planId);
  if (target === undefined) return err({ code: 'unknown_plan', known: catalogue.plans.map(({ id }) => id) });
  const addOns = boughtAddOns(catalogue, wanted);
  if (!addOns.ok) return addOns;
  const record = await openRecord(deps, wanted.tenantId);
  if (!record.ok) return record;
  const intent = record.value.change;
  if (intent !== null && deps.clock() - intent.atMs < INTENT_MS) return err({ code: 'change_in_progress' });
  const cheaper = isCheaper(catalogue, record.value, wanted);
  if (cheaper && wanted.effective === 'now' && !wanted.mayCheapenNow) return err({ code: 'cheaper_waits' });
  const effective = wanted.effective ?? (cheaper ? 'next_period' : 'now');
  const { productId } = target.prices[wanted.interval];
  return ok({ record: record.value, plan: target, change: { productId, addOns: addOns.value, effective } });
}

/** Cheaper is what costs less a month, and a year's payment that becomes a month's: the year was promised. */
function isCheaper(
  catalogue: PlanCatalogue,
  from: Pick<SubscriptionRecord, 'planId' | 'interval' | 'addOns'>,
  to: Pick<WantedChange, 'planId' | 'interval' | 'addOns'>,
): boolean {
  if (from.interval === 'annual' && to.interval === 'monthly') return true;
  const [before, after] = [from, to].map(({ planId, addOns }) => {
    const plan = catalogue.plans.find(({ id }) => id === planId);
    return plan === undefined ? 0 : invoiceOf(catalogue, { plan, interval: 'monthly', addOns }).totalMinor;
  });
  return (after ?? 0) < (before ?? 0);
}

type Bought = Pick<ObservedSubscription, 'productId' | 'addOns'>;

function isSameBought(one: Bought | null, other: Bought): boolean {
  const named = ({ addOns }: Bought): string =>
    JSON.stringify(addOns.map(({ addOnId, quantity }) => `${addOnId}×${quantity}`).sort());
  return one !== null && one.productId === other.productId && named(one) === named(other);
}

const isMade = (observed: ObservedSubscription, change: PlanChange): boolean =>
  observed.scheduledChange === null
    ? isSameBought(observed, change)
    : change.effective === 'next_period' && isSameBought(observed.scheduledChange, change);

/** What is wanted is what there is, and a change away from it waits. */
const isStaying = (observed: ObservedSubscription, change: PlanChange): boolean =>
  isSameBought(observed, change) && observed.scheduledChange !== null;

async function stay(deps: ChangeDeps, id: string): Promise<Result<SubscriptionRecord, ChangeRefused>> {
  const dropped = await deps.provider.dropScheduledChange(id);
  return dropped.ok ? bringUp(deps, id) : err(refusalOf(dropped.error));
}

/** Takes the intent back, as often as others write meanwhile; one that stays ends by itself. */
async function forget({ store }: ChangeDeps, id: string): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const record = await store.readSubscription(id);
    if (record === undefined || record.change === null) return;
    if (await store.saveSubscription({ ...record, version: record.version + 1, change: null })) return;
  }
}
const MAX_ATTEMPTS = 5;

async function bringUp(deps: ChangeDeps, id: string): Promise<Result<SubscriptionRecord, ChangeRefused>> {
  const applied = await applySubscription(deps, { subscriptionId: id });
  if (!applied.ok) return err(unavailable(applied.error));
  return applied.value === null ? err({ code: 'no_subscription' }) : ok(applied.value);
}

const unavailable = (error: { readonly code: string; readonly detail?: string }): ProviderUnavailable => ({
  code: 'payment_provider_unavailable',
  detail: error.detail ?? error.code,
});

const refusalOf = (
  error: ProviderUnavailable | { readonly code: 'payment_provider_refused'; readonly detail: string },
): ChangeRefused =>
  error.code === 'payment_provider_refused' ? { code: 'change_refused', detail: error.detail } : error;
