import type { UsageEvent } from './types.ts';

/** Takes a usage event for settlement. Resolves when the event is durable; throws when it may not be. */
export type UsageSink = { readonly send: (event: UsageEvent) => Promise<void> };

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
