import type { CreditPack } from '#core/billing/types.ts';
import type { CheckoutId, RefillId, TenantId } from '#core/shared/ids.ts';
import type { MicroCredits } from '#core/shared/money.ts';

/** What a tenant wants: when available credits fall below the threshold, buy the pack, so many times a month at most. */
export type RefillSettings = {
  readonly isEnabled: boolean;
  readonly thresholdMicro: MicroCredits;
  readonly packId: string;
  readonly monthlyLimit: number;
};

/**
 * One purchase that is to be made: written before Dodo is asked for anything, and open until we know how it ended.
 * Its checkout is what the payment is measured against, and what it is looked up by.
 */
export type RefillIntent = {
  readonly id: RefillId;
  readonly checkoutId: CheckoutId;
  /** The on-demand subscription at Dodo that keeps the payment method. */
  readonly mandateId: string;
  /** The pack as it was offered then. */
  readonly pack: CreditPack;
  /** The tenant's month in which it counts, `2026-11`. */
  readonly month: string;
  readonly createdAtMs: number;
  /** How many charges were sent; more than one only where Dodo showed none of those before. */
  readonly sends: number;
  /** When the last charge was about to be sent; null: none ever was. */
  readonly sentAtMs: number | null;
  /** Known once Dodo answered, or was looked up. */
  readonly paymentId: string | null;
};

/**
 * `payment_failed`: too often in a row. `payment_unmatched`: money was taken that fits no offer; a person must look.
 * `payment_returned`: a refill was refunded or is disputed, and to charge again would be taken amiss.
 */
export const REFILL_STOPS = ['payment_failed', 'payment_unmatched', 'payment_returned'] as const;
export type RefillStop = (typeof REFILL_STOPS)[number];

/** A tenant's refills: what it wants, and where they stand. One row, so one intent at a time. */
export type RefillState = {
  readonly tenantId: TenantId;
  /** Grows by one with every write: the optimistic lock. */
  readonly version: number;
  readonly settings: RefillSettings;
  /** When they were set: whoever did that knew what had been returned until then. */
  readonly setAtMs: number;
  /** Null until a payment method was found at Dodo. */
  readonly mandateId: string | null;
  /** When the tenant was last sent to give a payment method. */
  readonly mandateAskedAtMs: number | null;
  readonly open: RefillIntent | null;
  /** Failures in a row. */
  readonly failures: number;
  /** After a failure nothing is tried before this. */
  readonly notBeforeMs: number;
  readonly stopped: RefillStop | null;
  /** Refills of `month` that were begun and have not failed. */
  readonly month: string;
  readonly refillsInMonth: number;
};

/** An intent that ended, for good. */
export type EndedRefill = RefillIntent & {
  readonly tenantId: TenantId;
  readonly outcome: 'succeeded' | 'failed' | 'unmatched';
  /** Dodo's words or ours, for the agency. */
  readonly detail: string | null;
  readonly endedAtMs: number;
};
