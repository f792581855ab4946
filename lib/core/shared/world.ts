import type { IdKind } from './ids.ts';

/** Milliseconds since the Unix epoch. Passed in, so that rules can be tested at any moment of time. */
export type Clock = () => number;

/** Makes a new id of a kind, time-ordered and unguessable: `hold_01k…`. */
export type NewId = <T extends string>(kind: IdKind) => T;

/** What core code may know of the world outside: the time and fresh ids. */
export type World = { readonly clock: Clock; readonly newId: NewId };
