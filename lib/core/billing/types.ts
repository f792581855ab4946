import type { CheckoutId, GrantId, TenantId } from '#core/shared/ids.ts';
import type { MicroCredits } from '#core/shared/money.ts';

/** Credits on sale. Sold as the one-time product of the same price at Dodo Payments. */
export type CreditPack = {
  readonly id: string;
  readonly name: string;
  readonly productId: string;
  /** Before tax, in the currency's smallest unit. */
  readonly priceMinor: number;
  readonly currency: string;
  readonly creditsMicro: MicroCredits;
  /** Days from the payment until what is left expires; null: never. */
  readonly expiresAfterDays: number | null;
  readonly note: string | null;
};

/** Everything on sale. */
export type PackCatalogue = {
  /** What a credit is worth, in words. */
  readonly currencyNote: string;
  /** The product at Dodo under which a payment method is kept for automatic refills; null: none are offered. */
  readonly refillProductId: string | null;
  readonly packs: readonly CreditPack[];
};

/**
 * What we offered to whom, written before Dodo is asked. The pack is kept as it was then: a payment is measured
 * against this offer and nothing else, whatever the catalogue says later.
 */
export type Checkout = {
  readonly id: CheckoutId;
  readonly tenantId: TenantId;
  readonly customerId: string;
  readonly pack: CreditPack;
  readonly quantity: number;
  readonly returnUrl: string | null;
  readonly idempotencyKey: string | null;
  readonly createdAtMs: number;
  /** Null until Dodo answered. */
  readonly session: { readonly id: string; readonly url: string } | null;
  /** The payment method at Dodo that is charged for it without a session; null: a buyer pays it. */
  readonly mandateId: string | null;
  /** The payment that was granted for it; null until then. */
  readonly paymentId: string | null;
};

export type ObservedRefund = {
  readonly id: string;
  readonly status: string;
  /** Null where Dodo does not say. */
  readonly amountMinor: number | null;
  readonly isPartial: boolean;
};

export type ObservedDispute = { readonly id: string; readonly status: string };

/** A payment as Dodo shows it now. Statuses are texts: one that we do not know must not break the reading. */
export type ObservedPayment = {
  readonly id: string;
  readonly status: string | null;
  /** With tax. */
  readonly totalMinor: number;
  readonly taxMinor: number;
  readonly currency: string;
  readonly customerId: string;
  readonly createdAtMs: number;
  readonly isUpdatePaymentMethod: boolean;
  readonly subscriptionId: string | null;
  readonly sessionId: string | null;
  /** From the metadata, which a buyer can set: good for looking our checkout up, and for nothing else. */
  readonly checkoutId: CheckoutId | null;
  readonly cart: readonly { readonly productId: string; readonly quantity: number }[];
  readonly isFullyRefunded: boolean;
  readonly refunds: readonly ObservedRefund[];
  readonly disputes: readonly ObservedDispute[];
};

type ListedPayment = {
  readonly id: string;
  /** With tax. */
  readonly totalMinor: number;
  readonly currency: string;
  readonly createdAtMs: number;
};

/** What Dodo lists of late: enough to see what we missed. */
export type RecentAtProvider = {
  /** Succeeded payments that name a checkout of ours. */
  readonly payments: readonly ListedPayment[];
  /** Succeeded payments of subscriptions, ours or another business's, that name no checkout of credits. */
  readonly subscriptionPayments: readonly (ListedPayment & { readonly subscriptionId: string })[];
  /** Succeeded refunds. */
  readonly refunds: readonly {
    readonly id: string;
    readonly paymentId: string;
    readonly createdAtMs: number;
  }[];
  readonly disputes: readonly {
    readonly id: string;
    readonly paymentId: string;
    readonly status: string;
    readonly createdAtMs: number;
  }[];
  /** False when there was more than was read. */
  readonly isComplete: boolean;
};

type StepBase = { readonly reason: string; readonly atMs: number };

/** One thing to do to the ledger. Decided once, kept, and then done as often as it takes: each is safe to repeat. */
export type LedgerStep =
  | (StepBase & {
      readonly kind: 'grant';
      readonly grantId: GrantId;
      readonly amountMicro: MicroCredits;
      readonly expiresAtMs: number | null;
    })
  | (StepBase & {
      readonly kind: 'claw_back';
      readonly source: { readonly kind: 'refund' | 'dispute'; readonly id: string };
      readonly amountMicro: MicroCredits;
    })
  | (StepBase & {
      readonly kind: 'freeze' | 'release';
      readonly source: { readonly kind: 'dispute'; readonly id: string };
    });

/** Why a payment granted nothing. */
export type NoGrantReason =
  | 'not_succeeded'
  | 'unknown_status'
  | 'update_payment_method'
  | 'subscription_payment'
  | 'nothing_paid'
  | 'unknown_checkout'
  | 'customer_mismatch'
  | 'session_mismatch'
  | 'mandate_mismatch'
  | 'product_mismatch'
  | 'currency_mismatch'
  | 'amount_mismatch'
  | 'unusable_payment_id';

/** What a person should look at. */
export type ReviewReason =
  | 'dispute_expired'
  | 'unknown_dispute_status'
  | 'refund_amount_unknown'
  | 'taken_back_too_much';

/**
 * What we made of a payment: `waiting` may still grant, `ignored` never will and need not, `unmatched` took money
 * that we cannot explain and needs a person.
 */
export type PaymentOutcome = 'waiting' | 'ignored' | 'unmatched' | 'granted';

/** Our mirror of one payment, with every step that it ever made in the ledger. */
export type PaymentRecord = {
  readonly id: string;
  /** Grows by one with every write: the optimistic lock. */
  readonly version: number;
  readonly tenantId: TenantId | null;
  readonly checkoutId: CheckoutId | null;
  /** The subscription that it paid for; null: none. */
  readonly subscriptionId: string | null;
  readonly outcome: PaymentOutcome;
  readonly reason: NoGrantReason | null;
  readonly review: readonly ReviewReason[];
  readonly status: string | null;
  readonly totalMinor: number;
  readonly currency: string;
  readonly refundedMinor: number;
  readonly disputeStatuses: readonly string[];
  readonly steps: readonly LedgerStep[];
  /** How many of the steps are known to stand in the ledger. */
  readonly appliedSteps: number;
  readonly createdAtMs: number;
};

/** One webhook as it was received: kept whole, so that an event that we do not understand yet can be read later. */
export type WebhookRecord = {
  readonly id: string;
  readonly type: string;
  readonly receivedAtMs: number;
  readonly payloadSha256: string;
  readonly payload: string;
  readonly paymentId: string | null;
};

/** What the payments queue carries: which payment to look at, and what the event said of it. */
export type PaymentMessage = {
  readonly webhookId: string;
  readonly type: string;
  readonly paymentId: string;
  /** The status of the event's subject (payment, refund or dispute) when it was sent. */
  readonly status: string | null;
  readonly refundId: string | null;
  readonly disputeId: string | null;
};
