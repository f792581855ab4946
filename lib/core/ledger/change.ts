import type { MicroCredits } from '#core/shared/money.ts';
import type { Account, Entry, GrantRecord } from './types.ts';

/** An entry before the store gives it its id and the hash of the input. */
export type EntryDraft = Omit<Entry, 'id' | 'inputHash'>;

/**
 * What available must still be when a change is written, since holds come and go meanwhile without touching the
 * version. `exactly` where the rule used up all that was available: with more, it would have decided otherwise.
 */
export type AvailableGuard =
  | { readonly kind: 'none' }
  | { readonly kind: 'at_least'; readonly amountMicro: MicroCredits }
  | { readonly kind: 'exactly'; readonly amountMicro: MicroCredits };

/** What one operation does to the book: the account afterwards, and the rows that go with it. */
export type Change = {
  readonly account: Account;
  readonly entries: readonly EntryDraft[];
  readonly grants: readonly GrantRecord[];
  readonly guard: AvailableGuard;
};

/** The guard of an operation that wanted `wanted` out of available and took `taken`. */
export function guardTaking(
  account: Account,
  amounts: { readonly wanted: MicroCredits; readonly taken: MicroCredits },
): AvailableGuard {
  if (amounts.taken < amounts.wanted) return { kind: 'exactly', amountMicro: account.availableMicro };
  return amounts.taken > 0 ? { kind: 'at_least', amountMicro: amounts.taken } : { kind: 'none' };
}
