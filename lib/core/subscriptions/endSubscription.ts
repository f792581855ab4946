import type { ProviderUnavailable } from '#core/billing/ports.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { SubscriptionProvider, SubscriptionStore } from './ports.ts';
import { isFinal, isStatus } from './status.ts';

/**
 * Ends a tenant's subscription at once, so that nothing is charged for it any more; nothing where none lives. What
 * that does to its usage comes the way of every change at Dodo. Repeating it changes nothing.
 */
export async function endSubscription(
  deps: {
    readonly store: Pick<SubscriptionStore, 'subscriptionOf'>;
    readonly provider: Pick<SubscriptionProvider, 'readSubscription' | 'endNow'>;
  },
  tenantId: TenantId,
): Promise<Result<null, ProviderUnavailable>> {
  const record = await deps.store.subscriptionOf(tenantId);
  if (record === undefined || isFinal(record.status)) return ok(null);
  const ended = await deps.provider.endNow(record.id);
  if (ended.ok) return ended;
  // A refusal, or an answer that was lost: what counts is whether it has ended.
  const seen = await deps.provider.readSubscription(record.id);
  if (seen.ok && isStatus(seen.value.status) && isFinal(seen.value.status)) return ok(null);
  return err({ code: 'payment_provider_unavailable', detail: ended.error.detail });
}
