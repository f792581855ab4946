import { countCharge, forgetPastOf } from '#core/limits/endHold.ts';
import type { Counted } from '#core/limits/types.ts';
import {
  addMicro,
  type MicroCredits,
  maxMicro,
  micro,
  minMicro,
  subtractMicro,
  ZERO,
} from '#core/shared/money.ts';
import { overageLeft, take } from './account.ts';
import type { AvailableGuard, Change, EntryDraft } from './change.ts';
import { endHolds } from './holds.ts';
import { countersOf, growMonths, type MonthTotals } from './months.ts';
import type { Charge, SettledCharge } from './ports.ts';
import type { Account } from './types.ts';

export type Settlement = Change & {
  readonly outcomes: readonly SettledCharge[];
  /** The months that the charges were placed in, as they are with them. */
  readonly months: readonly MonthTotals[];
};

const NO_MONTHS: ReadonlyMap<string, MonthTotals> = new Map();

/**
 * Charges rated usage, in the order given, and closes the holds it was placed under. A charge takes what its hold
 * set aside, and beyond that (an expired hold, an actual above the estimate) only what is available with the
 * overdraft; the rest is the entry's shortfall. Events that were settled before must be left out by the caller.
 * `months` are the totals of the months that charges are placed in, as far as there are any.
 */
export function settleCharges(
  before: Account,
  charges: readonly Charge[],
  months: ReadonlyMap<string, MonthTotals> = NO_MONTHS,
): Settlement {
  const version = before.version + 1;
  let account = before;
  let guard: AvailableGuard = { kind: 'none' };
  const entries: EntryDraft[] = [];
  const outcomes: SettledCharge[] = [];
  const growing = growMonths(months);

  for (const charge of charges) {
    const { amountMicro, monthly } = growing.place(charge);
    const held = account.holds[charge.event.holdId]?.amountMicro ?? ZERO;
    const returned = endHolds(account, [charge.event.holdId]);
    const reach = addMicro(returned.availableMicro, returned.overdraftLimitMicro);
    const chargedMicro = minMicro(amountMicro, maxMicro(held, reach));
    const shortfallMicro = subtractMicro(amountMicro, chargedMicro);

    guard = stricter(guard, guardOf(before, { amount: amountMicro, held, reach }));
    const { counted } = account.holds[charge.event.holdId] ?? {};
    account = countUsage(take(returned, chargedMicro), charge, { chargedMicro, counted });
    const overageMicro = subtractMicro(overageLeft(returned), overageLeft(account));
    entries.push({
      ...chargeEntry(charge, { chargedMicro, shortfallMicro, overageMicro }, version),
      ...(monthly && { monthly }),
    });
    outcomes.push({ outcome: 'settled', chargedMicro, shortfallMicro });
  }
  return {
    account: { ...account, version },
    entries,
    grants: [],
    guard,
    outcomes,
    months: countersOf(charges).flatMap((counter) => growing.get(counter) ?? []),
  };
}

/** The account with what a charge uses of its limits. */
function countUsage(
  account: Account,
  { event }: Charge,
  { chargedMicro, counted }: { readonly chargedMicro: MicroCredits; readonly counted: Counted | undefined },
): Account {
  if (account.limits === undefined) return account;
  const { keyId, startedAtMs, endedAtMs } = event;
  // Tokens that were not reserved are of no call: a training job's, or of a hold that had expired.
  const tokens = counted?.tokens === undefined ? 0 : event.inputTokens + event.outputTokens;
  const limits = countCharge(account.limits, { keyId, startedAtMs, chargedMicro, tokens });
  return { ...account, limits: forgetPastOf(limits, keyId, endedAtMs) };
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

type Parts = Readonly<Record<'chargedMicro' | 'shortfallMicro' | 'overageMicro', MicroCredits>>;

function chargeEntry(
  { event }: Charge,
  { chargedMicro, shortfallMicro, overageMicro }: Parts,
  accountVersion: number,
): EntryDraft {
  return {
    tenantId: event.tenantId,
    kind: 'charge',
    amountMicro: micro(-chargedMicro),
    atMs: event.startedAtMs,
    accountVersion,
    source: { kind: 'usage', id: event.id },
    holdId: event.holdId,
    ...(shortfallMicro > 0 ? { shortfallMicro } : {}),
    ...(overageMicro > 0 ? { overageMicro } : {}),
    usage: event,
  };
}
