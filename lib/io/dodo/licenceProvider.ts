import type DodoPayments from 'dodopayments';
import * as z from 'zod/mini';
import { err, ok } from '#core/shared/result.ts';
import type { LicenceProvider, ObservedLicence } from '#core/subscriptions/licencePorts.ts';
import { allPages } from './allPages.ts';
import { attempt } from './attempt.ts';

const GrantShape = z.object({
  id: z.string(),
  entitlement_id: z.string(),
  customer_id: z.string(),
  status: z.string(),
  payment_id: z.nullish(z.string()),
  subscription_id: z.nullish(z.string()),
  license_key: z.nullish(z.object({ key: z.string() })),
});

/** Licence keys at Dodo: grants of entitlements with manual fulfilment. */
export function makeLicenceProvider(client: () => Promise<DodoPayments>): LicenceProvider {
  return {
    readLicence: async ({ licenceId, entitlementId, customerId }) => {
      const dodo = await client();
      // Dodo shows no single grant; those of one customer are few.
      const listed = await attempt(async () => {
        const { items } = await allPages((page) =>
          dodo.entitlements.grants.list(entitlementId, { ...page, customer_id: customerId }),
        );
        return items.map(toLicence);
      });
      if (!listed.ok) {
        const { code, detail } = listed.error;
        return err(code === 'payment_provider_refused' ? { code: 'licence_not_found' } : { code, detail });
      }
      const found = listed.value.find(({ id }) => id === licenceId);
      return found === undefined ? err({ code: 'licence_not_found' }) : ok(found);
    },
    deliverKey: async (licenceId, key) => {
      const dodo = await client();
      return attempt(async () =>
        toLicence(await dodo.entitlements.grants.fulfillLicenseKey(licenceId, { key })),
      );
    },
  };
}

function toLicence(answer: unknown): ObservedLicence {
  const grant = z.parse(GrantShape, answer);
  return {
    id: grant.id,
    entitlementId: grant.entitlement_id,
    customerId: grant.customer_id,
    status: grant.status,
    paymentId: grant.payment_id ?? null,
    subscriptionId: grant.subscription_id ?? null,
    key: grant.license_key?.key ?? null,
  };
}
