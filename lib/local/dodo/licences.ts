import type { DodoPayments } from 'dodopayments';
import * as z from 'zod/mini';
import { HttpError, parseFields, type StandInResponse, type StandInRoute } from './http.ts';
import { BRAND_ID, BUSINESS_ID } from './newPayment.ts';
import { page } from './page.ts';
import { findPayment, findSubscription, found, type Shop } from './shop.ts';
import type { LicenceGrant } from './state.ts';

const keySchema = z.object({ key: z.string().check(z.minLength(1)) });
export const grantSchema = z.object({
  entitlement_id: z.optional(z.string()),
  payment_id: z.optional(z.string()),
  subscription_id: z.optional(z.string()),
  grant_id: z.optional(z.string()),
  revoke: z.optional(z.boolean()),
});

const json = (body: unknown): StandInResponse => ({ status: 200, json: body });

/** Licence keys as entitlements with manual fulfilment: the shop brings the key, Dodo delivers it. */
export function licenceRoutes(shop: Shop): StandInRoute[] {
  return [
    {
      method: 'GET',
      path: '/entitlements/:id/grants',
      handle: (request) => {
        const customerId = request.url.searchParams.get('customer_id');
        const grants = Object.values(shop.state.licenceGrants).filter(
          (grant) =>
            grant.entitlement_id === request.params['id'] &&
            (customerId === null || grant.customer_id === customerId),
        );
        return json(page(request, grants));
      },
    },
    {
      method: 'POST',
      path: '/grants/:id/license-key',
      handle: (request) =>
        json(fulfil(shop, request.params['id'] ?? '', parseFields(keySchema, request).key)),
    },
    {
      method: 'DELETE',
      path: '/entitlements/:entitlement/grants/:id',
      handle: ({ params: { id = '' } }) => json(revokeGrant(shop, id)),
    },
  ];
}

const findGrant = (shop: Shop, id: string): LicenceGrant => found(shop.state.licenceGrants[id], 'grant', id);

/** What happens when a product with a licence key is bought, or the purchase is taken back. */
export function simulateGrant(shop: Shop, wanted: z.infer<typeof grantSchema>): LicenceGrant {
  if (wanted.grant_id !== undefined) return revokeGrant(shop, wanted.grant_id);
  const { payment_id = null, subscription_id = null, entitlement_id = '' } = wanted;
  found(shop.state.entitlements[entitlement_id], 'entitlement', entitlement_id);
  const bought =
    subscription_id === null ? findPayment(shop, payment_id ?? '') : findSubscription(shop, subscription_id);
  const at = new Date().toISOString();
  const grant: LicenceGrant = {
    id: shop.newId('entg_'),
    brand_id: BRAND_ID,
    business_id: BUSINESS_ID,
    created_at: at,
    updated_at: at,
    customer_id: bought.customer.customer_id,
    entitlement_id,
    integration_type: 'license_key',
    metadata: {},
    status: 'Pending',
    payment_id,
    subscription_id,
    license_key: null,
  };
  store(shop, grant);
  shop.deliveries.emit('entitlement_grant.created', { kind: 'grant', id: grant.id });
  return grant;
}

function fulfil(shop: Shop, id: string, key: string): LicenceGrant {
  const grant = findGrant(shop, id);
  if (grant.status !== 'Pending') {
    throw new HttpError(409, 'GRANT_NOT_PENDING', `the grant is ${grant.status}`);
  }
  const at = new Date().toISOString();
  const delivered: LicenceGrant = {
    ...grant,
    status: 'Delivered',
    delivered_at: at,
    updated_at: at,
    license_key: { id: shop.newId('lic_'), activations_used: 0, key, status: 'active' },
  };
  store(shop, delivered);
  shop.deliveries.emit('license_key.created', { kind: 'licenceKey', id });
  shop.deliveries.emit('entitlement_grant.delivered', { kind: 'grant', id });
  return delivered;
}

function revokeGrant(shop: Shop, id: string): LicenceGrant {
  const grant = findGrant(shop, id);
  if (grant.status === 'Revoked') return grant;
  const at = new Date().toISOString();
  const revoked: LicenceGrant = { ...grant, status: 'Revoked', revoked_at: at, updated_at: at };
  store(shop, revoked);
  shop.deliveries.emit('entitlement_grant.revoked', { kind: 'grant', id });
  return revoked;
}

function store(shop: Shop, grant: LicenceGrant): void {
  shop.state.licenceGrants[grant.id] = grant;
  shop.save();
}

/** The key of a grant as the event of its creation shows it. */
export function licenceKeyOf(grant: LicenceGrant): DodoPayments.LicenseKey {
  if (!grant.license_key) throw new Error('a grant without a key has no licence key');
  return {
    id: grant.license_key.id,
    brand_id: grant.brand_id,
    business_id: grant.business_id,
    created_at: grant.created_at,
    customer_id: grant.customer_id,
    instances_count: 0,
    key: grant.license_key.key,
    product_id: '',
    source: 'manual',
    status: 'active',
    payment_id: grant.payment_id ?? null,
    subscription_id: grant.subscription_id ?? null,
  };
}
