/** Holds open at once in one account: they live in the account's item, which may not exceed 400 KB. */
export const MAX_OPEN_HOLDS = 1_000;

/** Grants with something left at once in one account. */
export const MAX_OPEN_GRANTS = 200;

/** How long the account remembers that a key was stopped; no warm cache of keys lives longer. */
export const KEY_STOP_KEPT_MS = 24 * 60 * 60_000;

/** What one account may hold, in µcr: four billion credits, so that every sum of amounts stays a safe integer. */
export const MAX_BALANCE_MICRO = 4_000_000_000_000_000;
