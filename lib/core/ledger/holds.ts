import type { HoldId } from '#core/shared/ids.ts';
import { addMicro, subtractMicro } from '#core/shared/money.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { nextGrantExpiryMs, sumMicro } from './account.ts';
import { MAX_OPEN_HOLDS } from './limits.ts';
import type { HoldRefused, PlaceHold } from './ports.ts';
import type { Account, Hold } from './types.ts';

/** The account must first be rid of what is past its time; then the hold may be tried again. */
export type SweepDue = { readonly code: 'sweep_due' };

/**
 * Moves the amount from available to a new hold. A hold that is there already, placed by an attempt whose answer
 * was lost, is a success and changes nothing.
 */
export function placeHold(account: Account, place: PlaceHold): Result<Account, HoldRefused | SweepDue> {
  if (account.status !== 'active') return err({ code: 'account_suspended' });
  if ((account.keyStops[place.keyId] ?? Number.POSITIVE_INFINITY) <= place.nowMs)
    return err({ code: 'key_stopped' });
  if (account.holds[place.holdId] !== undefined) return ok(account);

  const full = Object.keys(account.holds).length >= MAX_OPEN_HOLDS;
  const short = account.availableMicro < place.amountMicro;
  const somethingExpired = expiredHolds(account, place.nowMs).length > 0;
  if ((full || short) && somethingExpired) return err({ code: 'sweep_due' });
  if (full) return err({ code: 'too_many_holds' });
  if (short) return err({ code: 'insufficient_credits', availableMicro: account.availableMicro });
  if (needsUnexpired(place) && isGrantDue(account, place.nowMs)) return err({ code: 'sweep_due' });

  const hold: Hold = {
    id: place.holdId,
    keyId: place.keyId,
    amountMicro: place.amountMicro,
    expiresAtMs: place.expiresAtMs,
  };
  return ok({
    ...account,
    availableMicro: subtractMicro(account.availableMicro, place.amountMicro),
    heldMicro: addMicro(account.heldMicro, place.amountMicro),
    holds: { ...account.holds, [place.holdId]: hold },
  });
}

/** A hold of nothing takes nothing out of an expired grant. */
export const needsUnexpired = (place: PlaceHold): boolean => place.amountMicro > 0;

export function isGrantDue(account: Account, nowMs: number): boolean {
  const next = nextGrantExpiryMs(account);
  return next !== undefined && next <= nowMs;
}

export const expiredHolds = (account: Account, nowMs: number): readonly Hold[] =>
  Object.values(account.holds).filter((hold) => hold.expiresAtMs <= nowMs);

/** Returns holds to available in full; ids that are not open are passed over. */
export function endHolds(account: Account, ids: readonly HoldId[]): Account {
  const ended = new Set<string>(ids);
  const returned = sumMicro(
    Object.values(account.holds)
      .filter((hold) => ended.has(hold.id))
      .map((hold) => hold.amountMicro),
  );
  return {
    ...account,
    availableMicro: addMicro(account.availableMicro, returned),
    heldMicro: subtractMicro(account.heldMicro, returned),
    holds: Object.fromEntries(Object.entries(account.holds).filter(([id]) => !ended.has(id))),
  };
}
