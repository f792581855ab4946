import {
  addMicro,
  type MicroCredits,
  maxMicro,
  micro,
  minMicro,
  subtractMicro,
  ZERO,
} from '#core/shared/money.ts';
import { take } from './account.ts';
import type { AvailableGuard, Change, EntryDraft } from './change.ts';
import { endHolds } from './holds.ts';
import type { Charge, SettledCharge } from './ports.ts';
import type { Account } from './types.ts';

export type Settlement = Change & { readonly outcomes: readonly SettledCharge[] };

/**
 * Charges rated usage, in the order given, and closes the holds it was placed under. A charge takes what its hold
 * set aside, and beyond that (an expired hold, an actual above the estimate) only what is available with the
 * overdraft; the rest is the entry's shortfall. Events that were settled before must be left out by the caller.
 */
export function settleCharges(before: Account, charges: readonly Charge[]): Settlement {
  const version = before.version + 1;
  let account = before;
  let guard: AvailableGuard = { kind: 'none' };
  const entries: EntryDraft[] = [];
  const outcomes: SettledCharge[] = [];

  for (const charge of charges) {
    const held = account.holds[charge.event.holdId]?.amountMicro ?? ZERO;
    const returned = endHolds(account, [charge.event.holdId]);
    const reach = addMicro(returned.availableMicro, returned.overdraftLimitMicro);
    const chargedMicro = minMicro(charge.amountMicro, maxMicro(held, reach));
    const shortfallMicro = subtractMicro(charge.amountMicro, chargedMicro);

    guard = stricter(guard, guardOf(before, { amount: charge.amountMicro, held, reach }));
    account = take(returned, chargedMicro);
    entries.push(chargeEntry(charge, chargedMicro, shortfallMicro, version));
    outcomes.push({ outcome: 'settled', chargedMicro, shortfallMicro });
  }
  return { account: { ...account, version }, entries, grants: [], guard, outcomes };
}

type Reach = { readonly amount: MicroCredits; readonly held: MicroCredits; readonly reach: MicroCredits };

/** How far available may have fallen since it was read without this charge coming out differently. */
function guardOf(before: Account, { amount, held, reach }: Reach): AvailableGuard {
  if (amount <= held) return { kind: 'none' };
  if (amount > reach) return { kind: 'exactly', amountMicro: before.availableMicro };
  return {
    kind: 'at_least',
    amountMicro: subtractMicro(before.availableMicro, subtractMicro(reach, amount)),
  };
}

function stricter(a: AvailableGuard, b: AvailableGuard): AvailableGuard {
  if (a.kind === 'exactly' || b.kind === 'none') return a;
  if (b.kind === 'exactly' || a.kind === 'none') return b;
  return { kind: 'at_least', amountMicro: maxMicro(a.amountMicro, b.amountMicro) };
}

function chargeEntry(
  { event }: Charge,
  charged: MicroCredits,
  shortfall: MicroCredits,
  accountVersion: number,
): EntryDraft {
  return {
    tenantId: event.tenantId,
    kind: 'charge',
    amountMicro: micro(-charged),
    atMs: event.startedAtMs,
    accountVersion,
    source: { kind: 'usage', id: event.id },
    holdId: event.holdId,
    ...(shortfall > 0 ? { shortfallMicro: shortfall } : {}),
    usage: event,
  };
}
