import type { CheckoutId, TenantId } from '#core/shared/ids.ts';
import type { Result } from '#core/shared/result.ts';
import type {
  Checkout,
  ObservedPayment,
  PaymentMessage,
  PaymentRecord,
  RecentAtProvider,
  WebhookRecord,
} from './types.ts';

/** Why a webhook was not taken. Only `authentic_but_out_of_time` is worth an alarm: it was really Dodo's. */
export type SignatureRefused = {
  readonly code: 'missing_header' | 'wrong_signature' | 'authentic_but_out_of_time';
};

/** Says whether the raw body was signed by Dodo within the tolerance. Header names are in lower case. */
export type WebhookVerifier = (
  body: string,
  headers: Readonly<Record<string, string>>,
) => Promise<Result<{ readonly webhookId: string }, SignatureRefused>>;

/** Dodo does not answer, or not usefully: try again later. `detail` is for the log. */
export type ProviderUnavailable = { readonly code: 'payment_provider_unavailable'; readonly detail: string };

/** Dodo understood and said no. `detail` is for the log. */
export type ProviderRefused = { readonly code: 'payment_provider_refused'; readonly detail: string };

export type SessionRequest = {
  readonly checkoutId: CheckoutId;
  readonly customerId: string;
  readonly productId: string;
  readonly quantity: number;
  readonly currency: string;
  readonly returnUrl: string | null;
};

/** Dodo Payments, as far as we need it. No method is retried inside: a repeat is the caller's decision. */
export type PaymentProvider = {
  readonly createCustomer: (customer: {
    readonly email: string;
    readonly name: string;
    readonly tenantId: TenantId;
  }) => Promise<Result<{ readonly customerId: string }, ProviderUnavailable | ProviderRefused>>;
  readonly createSession: (
    request: SessionRequest,
  ) => Promise<Result<{ readonly id: string; readonly url: string }, ProviderUnavailable | ProviderRefused>>;
  readonly readPayment: (
    paymentId: string,
  ) => Promise<Result<ObservedPayment, ProviderUnavailable | { readonly code: 'payment_not_found' }>>;
  /** Refunds since as long as payments, unless it is said. */
  readonly listRecent: (since: {
    readonly paymentsSinceMs: number;
    readonly refundsSinceMs?: number;
    readonly disputesSinceMs: number;
  }) => Promise<Result<RecentAtProvider, ProviderUnavailable>>;
};

/** Takes a message for `applyPayment`. Resolves when it is durable. */
export type PaymentQueue = { readonly send: (message: PaymentMessage) => Promise<void> };

export type PaymentPage = {
  readonly payments: readonly PaymentRecord[];
  readonly nextCursor: string | null;
};

/** Checkouts, webhooks and our mirror of the payments. */
export type BillingStore = {
  /** Stores a new checkout, or answers the one that the tenant's idempotency key made before. */
  readonly createCheckout: (
    checkout: Checkout,
  ) => Promise<{ readonly outcome: 'created' | 'existing'; readonly checkout: Checkout }>;
  readonly readCheckout: (id: CheckoutId) => Promise<Checkout | undefined>;
  /** Gives a checkout its session unless it has one already; answers the one that stands. */
  readonly attachSession: (
    id: CheckoutId,
    session: NonNullable<Checkout['session']>,
  ) => Promise<NonNullable<Checkout['session']>>;
  readonly markPaid: (id: CheckoutId, paymentId: string) => Promise<void>;
  readonly readPayment: (id: string) => Promise<PaymentRecord | undefined>;
  /** Writes the record if the stored one still has the version before it. False: somebody was faster. */
  readonly savePayment: (record: PaymentRecord) => Promise<boolean>;
  /** Remembers that these steps stand in the ledger; nothing when the record has moved on. */
  readonly markApplied: (id: string, version: number, appliedSteps: number) => Promise<void>;
  /** Payments that need a person, or all others; newest first. */
  readonly listPayments: (page: {
    readonly needsAttention: boolean;
    readonly limit: number;
    readonly cursor?: string;
  }) => Promise<PaymentPage>;
  /** Every payment that was made in a stretch of time, whatever became of it. */
  readonly paymentsBetween: (range: {
    readonly fromMs: number;
    readonly toMs: number;
  }) => AsyncIterable<PaymentRecord>;
  /** Stores a webhook once; says whether it was handed on before. */
  readonly recordWebhook: (webhook: WebhookRecord) => Promise<'new' | 'known' | 'handled'>;
  readonly markHandled: (webhookId: string, atMs: number) => Promise<void>;
};
