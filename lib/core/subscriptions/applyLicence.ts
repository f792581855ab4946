import type { BillingStore, PaymentProvider, ProviderUnavailable } from '#core/billing/ports.ts';
import type { KeyId, TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { mintApiKey, parseApiKey } from '#core/tenants/apiKey.ts';
import { revokeKey } from '#core/tenants/revokeKey.ts';
import { auditRecord, type Tenancy } from '#core/tenants/tenancy.ts';
import { type ApplySubscriptionDeps, applySubscription } from './applySubscription.ts';
import type { LicenceMessage, LicenceProvider, LicenceStore, ObservedLicence } from './licencePorts.ts';
import type { LicenceTerms, PlanCatalogue } from './plan.ts';

export type ApplyLicenceDeps = {
  readonly catalogue: PlanCatalogue;
  readonly licences: LicenceProvider & LicenceStore;
  readonly payments: Pick<PaymentProvider, 'readPayment'> & Pick<BillingStore, 'readCheckout'>;
  readonly subscriptions: ApplySubscriptionDeps;
  readonly tenancy: Tenancy;
};

/**
 * `ignored`: not an entitlement of ours. `unmatched`: bought by nobody that we know, or with a key that is not ours;
 * a person should look at it.
 */
export type LicenceOutcome = {
  readonly outcome: 'active' | 'revoked' | 'ignored' | 'unmatched' | 'waiting';
  readonly tenantId: TenantId | null;
  readonly keyId: KeyId | null;
};

export type LicencePostponed = ProviderUnavailable | { readonly code: string };

const ACT = { actor: 'dodo', reason: 'a licence key was bought' } as const;
const NOTHING = { tenantId: null, keyId: null } as const;

/**
 * Brings one licence up to what Dodo shows: a grant without a key gets one of ours, a delivered one is an API key,
 * a revoked one is none any more. What is kept of the key is its hash; its text is at Dodo, whose word alone counts,
 * so that a crash between delivering and storing it is mended by the next look.
 */
export async function applyLicence(
  deps: ApplyLicenceDeps,
  message: Pick<LicenceMessage, 'licenceId' | 'entitlementId' | 'customerId'>,
): Promise<Result<LicenceOutcome, LicencePostponed>> {
  const terms = deps.catalogue.licences.find((one) => one.entitlementId === message.entitlementId);
  if (terms === undefined) return ok({ outcome: 'ignored', ...NOTHING });
  const observed = await deps.licences.readLicence(message);
  if (!observed.ok) return observed;
  if (observed.value.status === 'Revoked') return ok(await revoke(deps, observed.value));
  const owner = await ownerOf(deps, observed.value);
  if (!owner.ok) return owner;
  if (owner.value === null) return ok({ outcome: 'unmatched', ...NOTHING });
  const delivered = observed.value.status === 'Pending' ? await deliver(deps, observed.value) : observed;
  if (!delivered.ok) return delivered;
  if (delivered.value.status !== 'Delivered' || delivered.value.key === null) {
    return ok({ outcome: 'waiting', tenantId: owner.value, keyId: null });
  }
  return ok(
    await activate(deps, {
      licence: delivered.value,
      key: delivered.value.key,
      tenantId: owner.value,
      terms,
    }),
  );
}

/** Whose purchase it was, by our own records of it and the customer that they name. */
async function ownerOf(
  { payments, subscriptions }: ApplyLicenceDeps,
  { paymentId, subscriptionId, customerId }: ObservedLicence,
): Promise<Result<TenantId | null, LicencePostponed>> {
  if (subscriptionId !== null) {
    // The licence may be told of before the subscription that it came with.
    const record = await applySubscription(subscriptions, { subscriptionId });
    if (!record.ok) return record.error.code === 'subscription_not_found' ? ok(null) : record;
    return ok(record.value?.customerId === customerId ? record.value.tenantId : null);
  }
  if (paymentId === null) return ok(null);
  const payment = await payments.readPayment(paymentId);
  if (!payment.ok) return payment.error.code === 'payment_not_found' ? ok(null) : payment;
  const { checkoutId } = payment.value;
  const checkout = checkoutId === null ? undefined : await payments.readCheckout(checkoutId);
  return ok(checkout?.customerId === customerId ? checkout.tenantId : null);
}

/** Delivers a fresh key. Of two that do so at once Dodo takes one, and the other's is nobody's. */
async function deliver(
  { licences, tenancy }: ApplyLicenceDeps,
  { id }: ObservedLicence,
): Promise<Result<ObservedLicence, LicencePostponed>> {
  const { crypto, peppers } = tenancy.signing;
  const { text } = mintApiKey(tenancy.world.newId<KeyId>('key'), { crypto, peppers: await peppers() });
  const delivered = await licences.deliverKey(id, text);
  // Refused: it has a key by now. The next look sees which.
  return delivered.ok ? delivered : err({ code: 'licence_contended' });
}

type Activation = {
  readonly licence: ObservedLicence;
  readonly key: string;
  readonly tenantId: TenantId;
  readonly terms: LicenceTerms;
};

async function activate(
  { licences, tenancy }: ApplyLicenceDeps,
  { licence, key, tenantId, terms }: Activation,
): Promise<LicenceOutcome> {
  const { signing, directory, world } = tenancy;
  const presented = parseApiKey(key, { crypto: signing.crypto, peppers: await signing.peppers() });
  if (!presented.ok) return { outcome: 'unmatched', tenantId, keyId: null };
  const { id: keyId } = presented.value;
  const createdAtMs = world.clock();
  const { name, scopes } = terms;
  await directory.createKey(
    { id: keyId, tenantId, name, scopes, hash: signing.crypto.sha256Hex(key), createdAtMs },
    auditRecord(world, ACT, { action: 'key.create', tenantId, details: { key: keyId, licence: licence.id } }),
  );
  // A key that stands for another tenant, brought to Dodo by hand, opens nothing more than it did.
  const stored = await directory.readKey(keyId);
  if (stored?.tenantId !== tenantId) return { outcome: 'unmatched', tenantId, keyId: null };
  await licences.recordLicence({ id: licence.id, tenantId, keyId, createdAtMs });
  return { outcome: stored.revokedAtMs === undefined ? 'active' : 'revoked', tenantId, keyId };
}

async function revoke(
  { licences, tenancy }: ApplyLicenceDeps,
  { id, key }: ObservedLicence,
): Promise<LicenceOutcome> {
  const record = await licences.findLicence(id);
  if (record === undefined) {
    // Revoked before it was seen: whatever key it had, no hash of it was ever stored.
    return { outcome: key === null ? 'ignored' : 'revoked', ...NOTHING };
  }
  const { tenantId, keyId } = record;
  const act = { actor: ACT.actor, reason: 'the licence was revoked' };
  await revokeKey(tenancy, { tenantId, keyId, act });
  return { outcome: 'revoked', tenantId, keyId };
}
