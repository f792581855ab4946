import type { ProviderRefused, ProviderUnavailable } from '#core/billing/ports.ts';
import type { CheckoutId, TenantId } from '#core/shared/ids.ts';
import type { Result } from '#core/shared/result.ts';
import type { EndedRefill, RefillState } from './types.ts';

/** Which tenant's refill to look at. With a customer: that one gave a payment method just now. */
export type RefillMessage = { readonly tenantId: TenantId; readonly customerId?: string };

/** Says that a tenant's refill should be looked at. A repeat, or none at all, is harmless: a sweep looks at all of them. */
export type RefillQueue = { readonly send: (message: RefillMessage) => Promise<void> };

export type RefillStore = {
  readonly read: (tenantId: TenantId) => Promise<RefillState | undefined>;
  /** Writes the state if the stored one still has the version before it; with it what ended, if anything did. */
  readonly save: (state: RefillState, ended?: EndedRefill) => Promise<boolean>;
  /** Tenants with refills switched on or an intent open, in the order of their ids. The list may lag. */
  readonly listActive: (page: {
    readonly limit: number;
    readonly cursor?: string;
  }) => Promise<{ readonly states: readonly RefillState[]; readonly nextCursor: string | null }>;
  /** What ended, newest first. */
  readonly listEnded: (
    tenantId: TenantId,
    page: { readonly limit: number; readonly cursor?: string },
  ) => Promise<{ readonly refills: readonly EndedRefill[]; readonly nextCursor: string | null }>;
};

type Failed = ProviderUnavailable | ProviderRefused;

/** Payment methods kept at Dodo, and charges of them. No method is retried inside: a repeat is the caller's decision. */
export type MandateProvider = {
  /** Opens the page on which a buyer gives a payment method; nothing is charged there. */
  readonly openMandate: (request: {
    readonly tenantId: TenantId;
    readonly customerId: string;
    readonly productId: string;
    readonly returnUrl: string | null;
  }) => Promise<Result<{ readonly url: string }, Failed>>;
  /** The customer's payment method for refills; null when there is none that can be charged. */
  readonly findMandate: (request: {
    readonly customerId: string;
    readonly productId: string;
  }) => Promise<Result<string | null, Failed>>;
  /**
   * Takes the money. `payment_provider_refused`: certainly nothing was taken. `payment_provider_unavailable`: it is
   * not known whether anything was; only `findCharge` can tell.
   */
  readonly charge: (request: {
    readonly mandateId: string;
    readonly amountMinor: number;
    readonly currency: string;
    readonly description: string;
    readonly checkoutId: CheckoutId;
  }) => Promise<Result<{ readonly paymentId: string }, Failed>>;
  /** The payment that was made for a checkout, whatever became of it; null when Dodo shows none. */
  readonly findCharge: (request: {
    readonly mandateId: string;
    readonly checkoutId: CheckoutId;
    readonly sinceMs: number;
  }) => Promise<Result<{ readonly paymentId: string } | null, Failed>>;
};
