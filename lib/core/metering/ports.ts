import type { UsageEvent } from './types.ts';

/** Takes a usage event for settlement. Resolves when the event is durable; throws when it may not be. */
export type UsageSink = { readonly send: (event: UsageEvent) => Promise<void> };

/** Events that the queue did not take, kept until it does. Their order is that of their ids, which is that of time. */
export type KeptUsage = {
  /** Keeps an event, once however often. */
  readonly keep: (event: UsageEvent) => Promise<void>;
  readonly oldest: (limit: number) => Promise<readonly UsageEvent[]>;
  readonly forget: (event: UsageEvent) => Promise<void>;
};

/**
 * Keeps the archive's objects. `version` is the object as it was found; null: there was none. `replace` writes a
 * whole object from its lines, as a stream, and changes nothing when another writer replaced that version meanwhile.
 */
export type UsageArchive = {
  readonly version: (key: string) => Promise<string | null>;
  readonly replace: (
    key: string,
    lines: AsyncIterable<string>,
    version: string | null,
  ) => Promise<'replaced' | 'changed_meanwhile'>;
};
