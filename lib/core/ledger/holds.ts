import { countHold } from '#core/limits/countHold.ts';
import { endCall as endCallRule, uncountHold } from '#core/limits/endHold.ts';
import { limitStatus } from '#core/limits/limitStatus.ts';
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

  const counted = account.limits === undefined ? undefined : countHold(account.limits, place);
  const full = Object.keys(account.holds).length >= MAX_OPEN_HOLDS;
  const short = account.availableMicro < place.amountMicro;
  const somethingExpired = expiredHolds(account, place.nowMs).length > 0;
  const limited = counted?.ok === false;
  if ((full || short || limited) && somethingExpired) return err({ code: 'sweep_due' });
  if (full) return err({ code: 'too_many_holds' });
  if (short) return err({ code: 'insufficient_credits', availableMicro: account.availableMicro });
  if (needsUnexpired(place) && isGrantDue(account, place.nowMs)) return err({ code: 'sweep_due' });
  if (account.limits !== undefined && counted?.ok === false) {
    const limits = limitStatus(account.limits, place);
    return err({ ...counted.error, limits });
  }

  const hold: Hold = {
    id: place.holdId,
    keyId: place.keyId,
    amountMicro: place.amountMicro,
    expiresAtMs: place.expiresAtMs,
    ...(counted?.ok ? { counted: counted.value.counted } : {}),
  };
  return ok({
    ...account,
    ...(counted?.ok ? { limits: counted.value.limits } : {}),
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
  const holds = Object.values(account.holds).filter((hold) => ended.has(hold.id));
  const returned = sumMicro(holds.map((hold) => hold.amountMicro));
  return {
    ...account,
    ...(account.limits === undefined ? {} : { limits: holds.reduce(uncountHold, account.limits) }),
    availableMicro: addMicro(account.availableMicro, returned),
    heldMicro: subtractMicro(account.heldMicro, returned),
    holds: Object.fromEntries(Object.entries(account.holds).filter(([id]) => !ended.has(id))),
  };
}

/** The call of a hold has ended: it no longer counts as running. Changes nothing where the hold is gone. */
export function endCall(account: Account, holdId: HoldId): Account {
  const hold = account.holds[holdId];
  if (account.limits === undefined || hold?.counted === undefined) return account;
  const limits = endCallRule(account.limits, hold);
  const ended: Hold = { ...hold, counted: { ...hold.counted, ended: true } };
  return { ...account, limits, holds: { ...account.holds, [holdId]: ended } };
}
