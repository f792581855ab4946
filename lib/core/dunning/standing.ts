import type { Reprieve } from '#core/tenants/types.ts';

/** What Dodo shows of the subscription, as far as its payment is concerned. The status is Dodo's own word. */
export type SubscriptionState = {
  readonly status: string;
  /** When Dodo's own grace ends; null where it does not say. */
  readonly pastDueEndsAtMs: number | null;
  /** When the status was last seen to change. */
  readonly updatedAtMs: number;
};

/** Whether a tenant has paid: yes; not yet, and its calls go on until a moment; no, and its calls are refused. */
export type Standing =
  | { readonly kind: 'good' }
  | { readonly kind: 'overdue'; readonly suspendsAtMs: number }
  | { readonly kind: 'unpaid' };

const DAY_MS = 86_400_000;
/** The grace where Dodo names no end of its own. */
export const GRACE_MS = 7 * DAY_MS;

const GOOD: Standing = { kind: 'good' };

/**
 * What a subscription's state means for its tenant's calls. `past_due` has a grace; on hold it is over. A pause was
 * asked for, and what has ended owes nothing: bought credits then serve as they do without a subscription. A status
 * that we do not know refuses nobody.
 */
export function standingOf(subscription: SubscriptionState | undefined, nowMs: number): Standing {
  switch (subscription?.status) {
    case 'past_due': {
      const suspendsAtMs = subscription.pastDueEndsAtMs ?? subscription.updatedAtMs + GRACE_MS;
      return nowMs < suspendsAtMs ? { kind: 'overdue', suspendsAtMs } : { kind: 'unpaid' };
    }
    case 'on_hold':
      return { kind: 'unpaid' };
    default:
      return GOOD;
  }
}

/** One failed payment, until the next one that succeeds: it is told of once, and a reprieve is for it alone. */
export const episodeOf = ({ id, billing }: Episode): string => `${id}/${billing.startMs}`;
type Episode = { readonly id: string; readonly billing: { readonly startMs: number } };

/** How a tenant stands where the agency may have let it off: then nothing is asked of it yet. */
export function standingUnder(
  reprieve: Reprieve | undefined,
  subscription: (SubscriptionState & Episode) | undefined,
  nowMs: number,
): Standing {
  if (reprieve !== undefined && subscription !== undefined && reprieve.episode === episodeOf(subscription)) {
    if (reprieve.untilMs === null || nowMs < reprieve.untilMs) return GOOD;
  }
  return standingOf(subscription, nowMs);
}

/** What lets a tenant call although it has not paid; null where nothing is unpaid. */
export function reprieveFor(
  subscription: (SubscriptionState & Episode) | undefined,
  { nowMs, untilMs }: { readonly nowMs: number; readonly untilMs: number | null },
): Reprieve | null {
  if (subscription === undefined || standingOf(subscription, nowMs).kind === 'good') return null;
  return { episode: episodeOf(subscription), untilMs };
}
