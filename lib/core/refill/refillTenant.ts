import type { ApplyDeps } from '#core/billing/applyPayment.ts';
import type { BillingStore } from '#core/billing/ports.ts';
import type { PackCatalogue } from '#core/billing/types.ts';
import type { Ledger } from '#core/ledger/ports.ts';
import type { NoticeQueue } from '#core/notices/ports.ts';
import { localMonth } from '#core/pricing/localTime.ts';
import type { CheckoutId, RefillId, TenantId } from '#core/shared/ids.ts';
import type { World } from '#core/shared/world.ts';
import type { Directory } from '#core/tenants/ports.ts';
import { carryOn } from './carryOn.ts';
import { findReturned } from './findReturned.ts';
import type { MandateProvider, RefillStore } from './ports.ts';
import {
  awaitsMandate,
  beginIntent,
  keepMandate,
  type NoRefill,
  stopReturned,
  whyNoRefill,
} from './refillRules.ts';
import type { EndedRefill, RefillState } from './types.ts';

export type RefillDeps = {
  readonly store: RefillStore;
  readonly mandates: MandateProvider;
  readonly billing: Pick<BillingStore, 'createCheckout'>;
  readonly payments: ApplyDeps;
  readonly ledger: Pick<Ledger, 'readAccount'>;
  readonly directory: Pick<Directory, 'readTenant'>;
  readonly notices: NoticeQueue;
  readonly catalogue: PackCatalogue;
  readonly world: World;
};

/** Where an open intent waits. Every one of these is looked at again by the sweep. */
export type RefillWait =
  /** A charge was sent and its answer never came; Dodo does not show it yet, or does not answer. */
  | 'outcome_unknown'
  /** Dodo has the payment, and it is neither paid nor failed. */
  | 'payment_open'
  /** Dodo took the money, and its own reading does not show it yet. */
  | 'payment_postponed'
  | 'provider_unavailable'
  /** Others kept writing the same refill; they do the work. */
  | 'contended';

export type RefillReport = {
  readonly tenantId: TenantId;
  readonly ended: readonly RefillEnd[];
  /** Why nothing more happens now. */
  readonly rests: NoRefill | RefillWait;
};
export type RefillEnd = {
  readonly id: RefillId;
  readonly outcome: 'succeeded' | 'failed' | 'unmatched';
  readonly detail: string | null;
};

/** One step of the way: it led on, or there is nothing more to do now. */
export type RefillStep =
  | { readonly kind: 'went_on'; readonly ended?: RefillEnd }
  | { readonly kind: 'rests'; readonly why: RefillReport['rests'] };

/** A refill takes four steps; more than a few refills in one go would be a threshold far above the pack. */
const MAX_STEPS = 24;

/**
 * Brings one tenant's refill as far as it goes now. Each step reads the state anew, decides by it alone, and writes
 * under its version: so whoever runs this, however often and wherever the run before died, there is one intent at
 * a time, one charge for it and one grant.
 */
export async function refillTenant(deps: RefillDeps, tenantId: TenantId): Promise<RefillReport> {
  const ended: RefillEnd[] = [];
  for (let count = 0; count < MAX_STEPS; count += 1) {
    const state = await deps.store.read(tenantId);
    if (state === undefined) return { tenantId, ended, rests: 'not_enabled' };
    const step = state.open === null ? await begin(deps, state) : await carryOn(deps, state, state.open);
    if (step.kind === 'rests') return { tenantId, ended, rests: step.why };
    if (step.ended !== undefined) ended.push(step.ended);
  }
  return { tenantId, ended, rests: 'contended' };
}

/** Writes a new intent, if one is due. */
async function begin(deps: RefillDeps, state: RefillState): Promise<RefillStep> {
  const { tenantId, settings } = state;
  const nowMs = deps.world.clock();
  const tenant = await deps.directory.readTenant(tenantId);
  const month = localMonth(tenant?.timeZone ?? 'UTC', nowMs);
  const pack = deps.catalogue.packs.find(({ id }) => id === settings.packId);
  const account = await deps.ledger.readAccount(tenantId);
  const why = whyNoRefill({ state, account, pack, month, nowMs });
  if (why === 'enough_credits' && awaitsMandate(state, nowMs)) {
    const given = await findMandate(deps, state, tenant?.dodoCustomerId);
    if (given.kind === 'rests') return { kind: 'rests', why };
    await deps.store.save(keepMandate(state, given.mandateId));
    return { kind: 'went_on' };
  }
  if (why === 'limit_reached') await tellLimit(deps, state, month);
  if (why !== undefined || pack === undefined) return { kind: 'rests', why: why ?? 'pack_not_on_sale' };
  const returned = await findReturned(deps, state);
  if (returned !== undefined) return stop(deps, state, returned);
  const mandate = await findMandate(deps, state, tenant?.dodoCustomerId);
  if (mandate.kind === 'rests') return mandate;
  const { mandateId } = mandate;
  const id = deps.world.newId<RefillId>('refill');
  const checkoutId = deps.world.newId<CheckoutId>('checkout');
  // A write that lost against another one is not counted here: the next step reads what that one wrote.
  await deps.store.save(beginIntent(state, { id, checkoutId, mandateId, pack, month, nowMs }));
  return { kind: 'went_on' };
}

async function stop(
  { store, notices, world }: RefillDeps,
  state: RefillState,
  { id, pack }: EndedRefill,
): Promise<RefillStep> {
  await notices.add({
    id: `refill_returned/${id}`,
    to: 'client',
    tenantId: state.tenantId,
    content: { kind: 'refill_returned', pack: pack.name },
    createdAtMs: world.clock(),
  });
  await store.save(stopReturned(state));
  return { kind: 'went_on' };
}

type Found =
  | { readonly kind: 'found'; readonly mandateId: string }
  | Extract<RefillStep, { readonly kind: 'rests' }>;

async function findMandate(
  { mandates, catalogue }: RefillDeps,
  state: RefillState,
  customerId: string | undefined,
): Promise<Found> {
  if (state.mandateId !== null) return { kind: 'found', mandateId: state.mandateId };
  const productId = catalogue.refillProductId;
  if (customerId === undefined || productId === null) return { kind: 'rests', why: 'no_payment_method' };
  const found = await mandates.findMandate({ customerId, productId });
  if (!found.ok) return { kind: 'rests', why: 'provider_unavailable' };
  if (found.value === null) return { kind: 'rests', why: 'no_payment_method' };
  return { kind: 'found', mandateId: found.value };
}

async function tellLimit({ notices, world }: RefillDeps, state: RefillState, month: string): Promise<void> {
  const { packId, monthlyLimit } = state.settings;
  await notices.add({
    id: `refill_limit_reached/${state.tenantId}/${month}`,
    to: 'client',
    tenantId: state.tenantId,
    content: { kind: 'refill_limit_reached', pack: packId, month, limit: monthlyLimit },
    createdAtMs: world.clock(),
  });
}
