import type { ProviderRefused, ProviderUnavailable } from '#core/billing/ports.ts';
import type { CheckoutId, TenantId } from '#core/shared/ids.ts';
import type { Result } from '#core/shared/result.ts';
import type { LicenceMessage } from './licencePorts.ts';
import type {
  BoughtAddOn,
  ObservedSubscription,
  RecurringRevenue,
  SubscriptionCheckout,
  SubscriptionMessage,
  SubscriptionPayment,
  SubscriptionRecord,
} from './types.ts';

type Failed = ProviderUnavailable | ProviderRefused;

/** What a subscription shall become at Dodo, and when. */
export type PlanChange = {
  readonly productId: string;
  readonly addOns: readonly BoughtAddOn[];
  readonly effective: 'now' | 'next_period';
};

/** What Dodo would charge at once for a change. Minor units; `creditsMinor` is what goes to or from the customer's balance. */
export type ChangePreview = {
  readonly chargeMinor: number;
  readonly taxMinor: number;
  readonly creditsMinor: number;
  readonly currency: string;
  readonly recurringMinor: number;
  readonly nextBillingMs: number;
};

/** Subscriptions at Dodo. No method is retried inside: a repeat is the caller's decision. */
export type SubscriptionProvider = {
  readonly createSubscriptionSession: (request: {
    readonly checkout: SubscriptionCheckout;
    readonly productId: string;
    readonly addOns: readonly BoughtAddOn[];
    readonly setupProductId: string | null;
    readonly currency: string;
  }) => Promise<Result<{ readonly id: string; readonly url: string }, Failed>>;
  readonly readSubscription: (
    id: string,
  ) => Promise<
    Result<ObservedSubscription, ProviderUnavailable | { readonly code: 'subscription_not_found' }>
  >;
  /** Succeeded payments of a subscription since a moment, with what was refunded of them. */
  readonly readPayments: (
    id: string,
    sinceMs: number,
  ) => Promise<Result<readonly SubscriptionPayment[], ProviderUnavailable>>;
  readonly previewChange: (id: string, change: PlanChange) => Promise<Result<ChangePreview, Failed>>;
  /** May charge. A failed answer says nothing of whether it did: look before it is tried again. */
  readonly changePlan: (id: string, change: PlanChange) => Promise<Result<null, Failed>>;
  /** Takes a change back that waits for the next payment; nothing when none does. */
  readonly dropScheduledChange: (id: string) => Promise<Result<null, Failed>>;
  readonly cancelAtPeriodEnd: (id: string, cancel: boolean) => Promise<Result<null, Failed>>;
  /** Ends it now; nothing is charged for it any more. */
  readonly endNow: (id: string) => Promise<Result<null, Failed>>;
  /** Subscriptions from checkouts of ours since a moment; `isComplete` false when there were more than was read. */
  readonly listSubscriptions: (
    sinceMs: number,
  ) => Promise<
    Result<{ readonly ids: readonly string[]; readonly isComplete: boolean }, ProviderUnavailable>
  >;
};

/** Takes a message for `applySubscription` or `applyLicence`. Resolves when it is durable. */
export type SubscriptionQueue = {
  readonly send: (message: SubscriptionMessage | LicenceMessage) => Promise<void>;
};

/** From a moment on, a subscription brings so much a month. */
export type RecurringChange = RecurringRevenue & { readonly subscriptionId: string };

/** Checkouts of subscriptions, and our mirror of the subscriptions themselves. */
export type SubscriptionStore = {
  /** Stores a new checkout, or answers the one that the tenant's idempotency key made before. */
  readonly createSubscriptionCheckout: (checkout: SubscriptionCheckout) => Promise<SubscriptionCheckout>;
  readonly readSubscriptionCheckout: (id: CheckoutId) => Promise<SubscriptionCheckout | undefined>;
  /** Gives a checkout its session unless it has one already; answers the one that stands. */
  readonly attachSubscriptionSession: (
    id: CheckoutId,
    session: NonNullable<SubscriptionCheckout['session']>,
  ) => Promise<NonNullable<SubscriptionCheckout['session']>>;
  readonly readSubscription: (id: string) => Promise<SubscriptionRecord | undefined>;
  /**
   * Writes the record if the stored one still has the version before it, and makes it its tenant's while it lives.
   * False: somebody was faster.
   */
  readonly saveSubscription: (record: SubscriptionRecord) => Promise<boolean>;
  /** Says that the steps of this version stand in the ledger; nothing when the record has moved on. */
  readonly clearSteps: (id: string, version: number) => Promise<void>;
  /** Every change of what a tenant's subscriptions bring, of those that have ended too, oldest first. */
  readonly recurringOf: (tenantId: TenantId) => Promise<readonly RecurringChange[]>;
  /** The tenant's subscription: the one that lives, else the one that lived last. */
  readonly subscriptionOf: (tenantId: TenantId) => Promise<SubscriptionRecord | undefined>;
  /** Subscriptions that have not ended, or that a person should look at; page by page, in the order of their ids. */
  readonly listLive: (page: { readonly limit: number; readonly cursor?: string }) => Promise<{
    readonly subscriptions: readonly SubscriptionRecord[];
    readonly nextCursor: string | null;
  }>;
};
