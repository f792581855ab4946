/** Dodo's states of a subscription, mirrored word for word. */
export const SUBSCRIPTION_STATUSES = [
  'pending',
  'active',
  'past_due',
  'on_hold',
  'paused',
  'cancelled',
  'failed',
  'expired',
] as const;
export type SubscriptionStatus = (typeof SUBSCRIPTION_STATUSES)[number];

/** The steps that a subscription takes. From a state without any it never returns. */
export const TRANSITIONS: Readonly<Record<SubscriptionStatus, readonly SubscriptionStatus[]>> = {
  pending: ['active', 'cancelled', 'failed', 'expired'],
  active: ['past_due', 'on_hold', 'paused', 'cancelled', 'expired'],
  past_due: ['active', 'on_hold', 'cancelled', 'expired'],
  on_hold: ['active', 'cancelled', 'expired'],
  paused: ['active', 'on_hold', 'cancelled', 'expired'],
  cancelled: [],
  failed: [],
  expired: [],
};

/**
 * What a state means for the usage that a plan includes: not there yet, to be used, out of reach for a while, or gone.
 * Dodo keeps a subscription `past_due` for as long as its grace lasts, and puts it on hold or cancels it then.
 */
export type PlanAccess = 'none' | 'open' | 'paused' | 'ended';

export const ACCESS: Readonly<Record<SubscriptionStatus, PlanAccess>> = {
  pending: 'none',
  active: 'open',
  past_due: 'open',
  on_hold: 'paused',
  paused: 'paused',
  cancelled: 'ended',
  failed: 'ended',
  expired: 'ended',
};

export const isStatus = (text: string): text is SubscriptionStatus =>
  SUBSCRIPTION_STATUSES.some((status) => status === text);

/** Whether nothing follows a state. */
export const isFinal = (status: SubscriptionStatus): boolean => TRANSITIONS[status].length === 0;

/**
 * Whether a subscription can have come from one state to another. We see only where it is when we look, so any number
 * of steps may lie between.
 */
export function canReach(from: SubscriptionStatus, to: SubscriptionStatus): boolean {
  const reached = new Set<SubscriptionStatus>([from]);
  for (const status of reached) for (const next of TRANSITIONS[status]) reached.add(next);
  return reached.has(to);
}
