import { type AskDeps, askForRefill } from '#core/refill/askForRefill.ts';
import type { TenantId } from '#core/shared/ids.ts';
import type { Clock } from '#core/shared/world.ts';

/** How long a tenant that wants no refills is not asked about again; one that begins to want them waits for the sweep. */
const OFF_FOR_MS = 60_000;
const MAX_REMEMBERED = 10_000;

/**
 * Watches the tenants whose credits went down, after their settlement and apart from it: a failure here is reported
 * and costs a minute, which is when the sweep asks.
 */
export function makeRefillWatch(
  deps: AskDeps & { readonly clock: Clock },
  onFailure: (error: unknown) => void,
): (tenantIds: Iterable<TenantId>) => Promise<void> {
  const off = new Map<TenantId, number>();
  return async (tenantIds) => {
    const nowMs = deps.clock();
    if (off.size > MAX_REMEMBERED) off.clear();
    for (const tenantId of new Set(tenantIds)) {
      if ((off.get(tenantId) ?? 0) > nowMs) continue;
      try {
        if ((await askForRefill(deps, tenantId)) === 'off') off.set(tenantId, nowMs + OFF_FOR_MS);
      } catch (error) {
        onFailure(error);
      }
    }
  };
}
