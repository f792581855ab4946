import type { KeyId } from '#core/shared/ids.ts';
import type { Clock } from '#core/shared/world.ts';
import type { Caller, CallerCache, CallerDirectory } from '#core/tenants/ports.ts';

const MAX_CALLERS = 10_000;
/** Up to this age an answer is given as it is. */
const FRESH_MS = 2_000;
/**
 * Up to this age it is given still, while a newer one is fetched behind the call's back. Past it the call waits: a
 * model that was taken away, or that another adapter answers now, is never served for longer.
 */
const USABLE_MS = 4_000;

type Cached = { readonly caller: Caller; readonly readAtMs: number };

/**
 * Remembers callers, so that a call of a warm function asks the directory nothing. What is unknown is not
 * remembered: a key made a moment ago works at once. That a revoked key may be remembered for a while is
 * harmless where a hold is placed: its own condition knows every stopped key.
 */
export function cacheCallers(directory: CallerDirectory, clock: Clock): CallerCache {
  const cache = new Map<KeyId, Cached>();
  const reading = new Map<KeyId, Promise<Caller | undefined>>();

  const read = async (keyId: KeyId): Promise<Caller | undefined> => {
    const readAtMs = clock(); // before the read: the answer is at least as new as this
    const caller = await directory.find(keyId);
    cache.delete(keyId);
    if (caller !== undefined) cache.set(keyId, { caller, readAtMs });
    forgetOldest(cache);
    return caller;
  };

  /** Concurrent calls of one key share one read. */
  const readOnce = (keyId: KeyId): Promise<Caller | undefined> => {
    const pending = reading.get(keyId) ?? read(keyId).finally(() => reading.delete(keyId));
    reading.set(keyId, pending);
    return pending;
  };

  return {
    find: async (keyId) => {
      const cached = cache.get(keyId);
      const ageMs = cached === undefined ? Number.POSITIVE_INFINITY : clock() - cached.readAtMs;
      if (cached === undefined || ageMs > USABLE_MS) return readOnce(keyId);
      // A refresh that fails leaves the old answer, until it is too old; the next call tries again.
      if (ageMs > FRESH_MS) readOnce(keyId).catch(() => undefined);
      return cached.caller;
    },
    renew: readOnce,
  };
}

/** A map lists the entry first that was written longest ago, and whoever calls is written anew every few seconds. */
function forgetOldest(cache: Map<KeyId, Cached>): void {
  const [oldest] = cache.keys();
  if (cache.size > MAX_CALLERS && oldest !== undefined) cache.delete(oldest);
}
