import type { ProviderRefused, ProviderUnavailable } from '#core/billing/ports.ts';
import { err, ok, type Result } from '#core/shared/result.ts';

const MAX_DETAIL = 200;
/** Statuses that say "not now": the same call may succeed later. */
const TRY_LATER = new Set([401, 403, 408, 409, 425, 429]);

/** Calls Dodo once. Whatever is no clear refusal, an unreadable answer too, may be different next time. */
export async function attempt<T>(
  call: () => Promise<T>,
): Promise<Result<T, ProviderUnavailable | ProviderRefused>> {
  try {
    return ok(await call());
  } catch (error) {
    const { APIError } = await import('dodopayments');
    const status = error instanceof APIError ? error.status : undefined;
    // Dodo's own words go to the log alone, shortened: they may quote what was sent.
    const detail = String(error instanceof Error ? error.message : error).slice(0, MAX_DETAIL);
    const mayChange = status === undefined || status >= 500 || TRY_LATER.has(status);
    return err({ code: mayChange ? 'payment_provider_unavailable' : 'payment_provider_refused', detail });
  }
}
