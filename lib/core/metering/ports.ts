import type { UsageEvent } from './types.ts';

/** Takes a usage event for settlement. Resolves when the event is durable; throws when it may not be. */
export type UsageSink = { readonly send: (event: UsageEvent) => Promise<void> };
