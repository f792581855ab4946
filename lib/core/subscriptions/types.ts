import type { ObservedDispute } from '#core/billing/types.ts';
import type { CheckoutId, GrantId, TenantId } from '#core/shared/ids.ts';
import type { MicroCredits } from '#core/shared/money.ts';
import type { ChosenAddOn, Interval } from './plan.ts';
import type { SubscriptionStatus } from './status.ts';
import type { Period } from './usagePeriod.ts';

/** What we offered to whom, written before Dodo is asked: a subscription is taken for this tenant's by it alone. */
export type SubscriptionCheckout = {
  readonly id: CheckoutId;
  readonly tenantId: TenantId;
  readonly customerId: string;
  readonly planId: string;
  readonly interval: Interval;
  readonly addOns: readonly ChosenAddOn[];
  readonly withSetup: boolean;
  readonly returnUrl: string | null;
  readonly idempotencyKey: string | null;
  readonly createdAtMs: number;
  /** Null until Dodo answered. */
  readonly session: { readonly id: string; readonly url: string } | null;
};

/** A payment of a subscription as Dodo shows it now. */
export type SubscriptionPayment = {
  readonly totalMinor: number;
  /** What of it was refunded. */
  readonly refundedMinor: number;
  readonly disputes: readonly ObservedDispute[];
  readonly createdAtMs: number;
};

export type BoughtAddOn = { readonly addOnId: string; readonly quantity: number };

/** A change that waits for the next payment. */
export type ScheduledChange = {
  readonly productId: string;
  readonly addOns: readonly BoughtAddOn[];
  readonly effectiveAtMs: number;
};

/** A subscription as Dodo shows it now. The status is a text: one that we do not know must not break the reading. */
export type ObservedSubscription = {
  readonly id: string;
  readonly status: string;
  readonly productId: string;
  readonly addOns: readonly BoughtAddOn[];
  readonly customerId: string;
  /** From the metadata, which a buyer can set: good for looking our checkout up, and for nothing else. */
  readonly checkoutId: CheckoutId | null;
  readonly createdAtMs: number;
  /** From the last payment to the next. */
  readonly billing: Period;
  readonly cancelAtPeriodEnd: boolean;
  readonly scheduledChange: ScheduledChange | null;
};

type StepBase = {
  readonly grantId: GrantId;
  /** The ledger takes each source once for each kind of step. */
  readonly sourceId: string;
  readonly reason: string;
  readonly atMs: number;
};

/** One thing to do to the ledger. Decided once, kept, and then done as often as it takes: each is safe to repeat. */
export type SubscriptionStep =
  | (StepBase & {
      readonly kind: 'grant';
      readonly grantKind: 'included' | 'overage';
      readonly amountMicro: MicroCredits;
      readonly expiresAtMs: number;
    })
  | (StepBase & { readonly kind: 'freeze' | 'release' })
  /** As far as it is not spent. */
  | (StepBase & { readonly kind: 'take_back'; readonly amountMicro: MicroCredits });

/** One grant of a month. */
export type UsageGrant = {
  readonly grantId: GrantId;
  readonly kind: 'included' | 'overage';
  /** What the plan gives by it. */
  readonly amountMicro: MicroCredits;
  /** Of that, what was taken back or never given because its payment was returned. */
  readonly withheldMicro: MicroCredits;
};

/** What the plan gave in the month that runs: decides what a change of plan adds, and what a pause puts out of reach. */
export type UsageGrants = {
  readonly period: Period;
  readonly grants: readonly UsageGrant[];
  /** The overage grants of the billing period so far: what was burnt of them is on the next invoice. */
  readonly onAccount: readonly GrantId[];
  /** The most that any plan of this month includes and allows for a whole one. */
  readonly includedMicro: MicroCredits;
  readonly overageMicro: MicroCredits;
};

/** What became of the money for the billing period that runs, all its payments together. */
export type PaidBack = {
  readonly billingStartMs: number;
  readonly paidMinor: number;
  /** Refunded, or lost in a dispute. */
  readonly returnedMinor: number;
  /** A dispute over it is open. */
  readonly isDisputed: boolean;
};

/** What a person should look at. */
export type SubscriptionReview =
  | 'unknown_checkout'
  | 'customer_mismatch'
  | 'unknown_product'
  | 'unknown_status'
  | 'impossible_transition'
  | 'unusable_id'
  /** The tenant pays for another one too: two checkouts were open at once. */
  | 'second_subscription';

/** A change that was sent to Dodo and whose outcome is not known yet: nobody sends another one meanwhile. */
export type ChangeIntent = { readonly productId: string; readonly atMs: number };

/** What a subscription brings a month, in minor units, from a moment on. */
export type RecurringRevenue = { readonly minor: number; readonly sinceMs: number };

/** Our mirror of one subscription. */
export type SubscriptionRecord = {
  readonly id: string;
  /** Grows by one with every write: the optimistic lock. */
  readonly version: number;
  /** Null: it fits no checkout of ours, and does nothing. */
  readonly tenantId: TenantId | null;
  readonly customerId: string;
  readonly planId: string | null;
  readonly interval: Interval | null;
  readonly addOns: readonly ChosenAddOn[];
  /** Dodo's word; the last one that we knew where it says another. */
  readonly status: SubscriptionStatus;
  readonly billing: Period;
  readonly cancelAtPeriodEnd: boolean;
  readonly scheduledChange: ScheduledChange | null;
  /** Until when Dodo keeps a subscription whose payment failed; null: no such grace runs. */
  readonly pastDueEndsAtMs: number | null;
  readonly usage: UsageGrants | null;
  /** Null: nothing of it came back. */
  readonly paidBack: PaidBack | null;
  /** How often its usage was put out of reach, and whether it is now. */
  readonly pauses: number;
  readonly isFrozen: boolean;
  readonly review: readonly SubscriptionReview[];
  /** Steps that may not stand in the ledger yet. */
  readonly steps: readonly SubscriptionStep[];
  readonly change: ChangeIntent | null;
  /** Null: it never brought anything. */
  readonly recurring: RecurringRevenue | null;
  readonly createdAtMs: number;
  /** When the status was last seen to change. */
  readonly updatedAtMs: number;
};

/** What the subscriptions queue carries of a subscription: which one to look at, and what only the event knows. */
export type SubscriptionMessage = {
  readonly webhookId: string;
  readonly type: string;
  readonly subscriptionId: string;
  readonly status: string | null;
  readonly pastDueEndsAtMs: number | null;
  /** Whether its payments are to be looked at too: one was refunded or disputed, or may have been. */
  readonly readsPayments?: boolean;
};
