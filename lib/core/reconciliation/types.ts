import type { TenantId } from '#core/shared/ids.ts';

/** Which two books were held against each other; the left one is the one nearer to the caller. */
export const PAIRS = [
  'gateway_ledger',
  'ledger_payments',
  'ledger_refunds',
  'ledger_usage',
  'jobs_aws',
  'inference_aws',
] as const;
export type Pair = (typeof PAIRS)[number];

/**
 * Why two books differ. Everything but `unknown` is understood: it mends itself, was mended by the run, or stands in a
 * list that a person works through.
 */
export const CAUSES = [
  'unknown',
  /** The hour has usage that the archive does not have yet. */
  'archive_pending',
  /** The event came after its hold had run out, and was charged then. */
  'settled_late',
  /** Dodo's webhook never came; the payment was queued now. */
  'webhook_missed',
  /** The steps are decided and not all done; the payment was queued again. */
  'not_applied_yet',
  /** Money that fits no offer of ours: it stands in the list of payments. */
  'payment_unmatched',
  /** On its way to Dodo's meter. */
  'waiting_in_outbox',
  /** In the list of late usage. */
  'late_usage',
  /** AWS tells of a cost days after it arose. */
  'not_billed_yet',
  /** The same time at another price, as a discount or a price of another region, or a cost beside the hours. */
  'price_differs',
  /** An endpoint ran, and no call was at work on it. */
  'idle_endpoint',
] as const;
export type Cause = (typeof CAUSES)[number];

/** Something that is in one book and not, or not the same, in the other. Amounts in millionths; null: not there. */
export type Difference = {
  readonly pair: Pair;
  /** What it is about: a usage event, a hold, a payment, a training job. */
  readonly id: string;
  readonly tenantId: TenantId | null;
  readonly leftMicro: number | null;
  readonly rightMicro: number | null;
  readonly cause: Cause;
  readonly note: string;
};

/** What both sides of a pair come to. */
export type PairTotals = {
  readonly pair: Pair;
  readonly leftMicro: number;
  readonly rightMicro: number;
  readonly compared: number;
};

/** One day of UTC, all four books. */
export type Reconciliation = {
  readonly day: string;
  readonly ranAtMs: number;
  readonly totals: readonly PairTotals[];
  /** The first ones; `differenceCount` says how many there are. */
  readonly differences: readonly Difference[];
  readonly differenceCount: number;
  readonly unknownCount: number;
  readonly unread: readonly Unread[];
};

/** Books that could not be read: then nothing is known of them. `isFault`: they should have been there. */
export type Unread = { readonly pair: Pair; readonly why: string; readonly isFault: boolean };

/** A usage event as the archive has it. */
export type ArchivedCall = { readonly eventId: string; readonly costMicro: number };

/**
 * What AWS billed for one resource in a month, or for an endpoint on one `day`, in millionths of a dollar. `hours` is
 * how long it ran. Of what the reconciliation does not compare the resource is empty.
 */
export type AwsCost = {
  readonly service: string;
  readonly resource: string;
  readonly day?: string;
  readonly microUsd: number;
  readonly hours: number;
};
export type AwsCosts = {
  readonly month: string;
  readonly lines: readonly AwsCost[];
  readonly totalMicroUsd: number;
  readonly importedAtMs: number;
  /** Which state of the export it was read from; absent: it was imported by hand. */
  readonly version?: string;
};
