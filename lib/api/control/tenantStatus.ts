import type { ApiError } from '#api/errors.ts';
import { reprieveFor } from '#core/dunning/standing.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { endSubscription } from '#core/subscriptions/endSubscription.ts';
import type { TenantChange } from '#core/tenants/ports.ts';
import type { Tenant } from '#core/tenants/types.ts';
import { providerRefusal } from './creditCheckout.ts';
import type { ControlDeps } from './deps.ts';

export type WantedStatus = {
  readonly tenantId: TenantId;
  readonly status: Tenant['status'] | undefined;
  /** Until when a tenant that is resumed may go on unpaid. */
  readonly resumeUntilMs: number | undefined;
};

/**
 * What a status that the agency sets does beside itself: a suspension is the agency's to end, who is resumed unpaid is
 * let off, and who is closed is charged no more.
 */
export async function statusChange(
  { subscriptions, world, credits }: Pick<ControlDeps, 'subscriptions' | 'world' | 'credits'>,
  { tenantId, status, resumeUntilMs }: WantedStatus,
): Promise<Result<TenantChange, ApiError>> {
  const nowMs = world.clock();
  if (resumeUntilMs !== undefined && (status !== 'active' || resumeUntilMs <= nowMs)) return err(WRONG_UNTIL);
  switch (status) {
    case undefined:
      return ok({});
    case 'suspended':
      return ok({ status, suspension: { because: 'agency', sinceMs: nowMs }, reprieve: null });
    case 'active': {
      const subscription = await subscriptions.store.subscriptionOf(tenantId);
      const reprieve = reprieveFor(subscription, { nowMs, untilMs: resumeUntilMs ?? null });
      return ok({ status, suspension: null, reprieve });
    }
    case 'closed': {
      const ended = await endSubscription(subscriptions, tenantId);
      if (ended.ok) return ok({ status, suspension: null, reprieve: null });
      credits.onProviderFailure(ended.error.code, ended.error.detail);
      return err(providerRefusal(ended.error.code));
    }
    default:
      return status satisfies never;
  }
}

const WRONG_UNTIL: ApiError = {
  code: 'invalid_request',
  message: "'resume_until' goes with the status active, and is a later time in Unix seconds.",
  param: 'resume_until',
};
