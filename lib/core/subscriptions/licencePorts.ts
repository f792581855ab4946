import type { ProviderRefused, ProviderUnavailable } from '#core/billing/ports.ts';
import type { KeyId, TenantId } from '#core/shared/ids.ts';
import type { Result } from '#core/shared/result.ts';

/** A grant of a licence key as Dodo shows it now. */
export type ObservedLicence = {
  readonly id: string;
  readonly entitlementId: string;
  readonly customerId: string;
  /** `Pending`, `Delivered`, `Failed`, `Revoked`: a text, one that we do not know must not break the reading. */
  readonly status: string;
  readonly paymentId: string | null;
  readonly subscriptionId: string | null;
  /** The key's text; null until it is delivered. */
  readonly key: string | null;
};

/** What the subscriptions queue carries of a licence: where to look it up. The key itself is in no message. */
export type LicenceMessage = {
  readonly webhookId: string;
  readonly type: string;
  readonly licenceId: string;
  readonly entitlementId: string;
  readonly customerId: string;
};

export type LicenceProvider = {
  readonly readLicence: (
    message: Pick<LicenceMessage, 'licenceId' | 'entitlementId' | 'customerId'>,
  ) => Promise<Result<ObservedLicence, ProviderUnavailable | { readonly code: 'licence_not_found' }>>;
  /** Delivers our key. Refused when the grant has one already. */
  readonly deliverKey: (
    licenceId: string,
    key: string,
  ) => Promise<Result<ObservedLicence, ProviderUnavailable | ProviderRefused>>;
};

/** What became of a licence: which API key is its. */
export type LicenceRecord = {
  readonly id: string;
  readonly tenantId: TenantId;
  readonly keyId: KeyId;
  readonly createdAtMs: number;
};

export type LicenceStore = {
  readonly findLicence: (id: string) => Promise<LicenceRecord | undefined>;
  /** The first one stays. */
  readonly recordLicence: (record: LicenceRecord) => Promise<void>;
};
