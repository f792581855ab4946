import type { AdapterId, KeyId, TenantId } from '#core/shared/ids.ts';
import type { MicroCredits } from '#core/shared/money.ts';

/**
 * What a notice says, and the few facts in it. A new kind is one line here and one template in `templates.ts`.
 * Only names, amounts and moments belong into it: a notice is read outside of the product, so nothing secret may.
 */
export type NoticeContent =
  | { readonly kind: 'refill_failed'; readonly pack: string; readonly nextTryAtMs: number }
  | { readonly kind: 'refill_returned'; readonly pack: string }
  | { readonly kind: 'refill_stopped'; readonly pack: string; readonly failures: number }
  | {
      readonly kind: 'refill_limit_reached';
      readonly pack: string;
      readonly month: string;
      readonly limit: number;
    }
  | { readonly kind: 'payment_overdue'; readonly suspendsAtMs: number }
  | { readonly kind: 'account_suspended'; readonly because: 'payment_overdue' | 'subscription_ended' }
  | { readonly kind: 'account_restored' }
  | {
      readonly kind: 'unusual_use';
      readonly finding: 'jump' | 'scraping' | 'many_networks';
      readonly keyId: KeyId;
      readonly seen: number;
      readonly usual: number;
      /** Until when the key is slowed; null: it is not. */
      readonly slowedUntilMs: number | null;
    }
  | {
      readonly kind: 'adapters_out' | 'adapters_given_up';
      readonly adapters: number;
      /** The first few of them. */
      readonly named: readonly {
        readonly id: AdapterId;
        readonly tenantId: TenantId;
        readonly why: string;
      }[];
    }
  | { readonly kind: 'credits_low'; readonly availableMicro: MicroCredits };

export type NoticeKind = NoticeContent['kind'];

/** Something that a person should learn: a client's contact, or the agency's when `to` says so. */
export type Notice = {
  /**
   * What it is about, made of its kind and that thing's id: `refill_failed/rfl_01k…`. One id is one notice, however
   * often it is added.
   */
  readonly id: string;
  readonly to: 'client' | 'agency';
  /** Whose matter it is; for the agency's own matters null. */
  readonly tenantId: TenantId | null;
  readonly content: NoticeContent;
  readonly createdAtMs: number;
};

/** A notice in words. */
export type NoticeText = { readonly subject: string; readonly text: string };

/** How a notice may travel. */
export const NOTICE_CHANNELS = ['email', 'webhook'] as const;
export type NoticeChannelName = (typeof NOTICE_CHANNELS)[number];

/** `unaddressed`: nobody said where it should go; it stays in the list for whoever looks. */
export const NOTICE_STATES = ['due', 'sent', 'failed', 'unaddressed'] as const;
export type NoticeState = (typeof NOTICE_STATES)[number];

/** A notice in the outbox. */
export type NoticeRecord = Notice & {
  readonly state: NoticeState;
  /** Grows with every claim: what a claim wrote, only that claim may go on with. */
  readonly attempts: number;
  readonly nextAttemptMs: number;
  /** The channels that have taken it. */
  readonly sentBy: readonly NoticeChannelName[];
  /** Why the last attempt failed; for the agency. */
  readonly lastError: string | null;
};
