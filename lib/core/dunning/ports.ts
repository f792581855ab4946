import type { TenantId } from '#core/shared/ids.ts';
import type { SubscriptionState } from './standing.ts';

export type DunnedSubscription = SubscriptionState & {
  readonly id: string;
  readonly tenantId: TenantId | null;
  /** From the last payment to the next. */
  readonly billing: { readonly startMs: number };
};

/** Our mirror of the subscriptions, as far as dunning reads it. */
export type DunnedSubscriptions = {
  /** The tenant's subscription: the one that lives, else the one that lived last. */
  readonly subscriptionOf: (tenantId: TenantId) => Promise<DunnedSubscription | undefined>;
  /** Subscriptions that have not ended. The list may lag. */
  readonly listLive: (page: { readonly limit: number; readonly cursor?: string }) => Promise<{
    readonly subscriptions: readonly DunnedSubscription[];
    readonly nextCursor: string | null;
  }>;
};
