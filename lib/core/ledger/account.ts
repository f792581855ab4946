import type { TenantId } from '#core/shared/ids.ts';
import {
  addMicro,
  type MicroCredits,
  maxMicro,
  micro,
  minMicro,
  subtractMicro,
  ZERO,
} from '#core/shared/money.ts';
import type { Account, GrantKind, OpenGrant } from './types.ts';

/** A new tenant's account: nothing in it, nothing owed. */
export function emptyAccount(tenantId: TenantId, overdraftLimitMicro: MicroCredits): Account {
  return {
    tenantId,
    status: 'active',
    availableMicro: ZERO,
    heldMicro: ZERO,
    overdraftLimitMicro,
    debtMicro: ZERO,
    holds: {},
    grants: {},
    keyStops: {},
    version: 0,
  };
}

/** Kinds of one class burn by expiry among each other, and a class only when those before it are empty. */
const CLASS: Readonly<Record<GrantKind, number>> = {
  included: 0,
  free: 1,
  adjustment: 2,
  pack: 2,
  overage: 3,
};

const expiryOf = (grant: OpenGrant): number => grant.expiresAtMs ?? Number.POSITIVE_INFINITY;

/**
 * Which grant burns first: what the subscription includes, then what is free, then bought and adjusted credits, and
 * overage last; within each the soonest to expire, at the same expiry given credits before bought ones, then by id.
 */
export function inBurnOrder(account: Account): readonly OpenGrant[] {
  return Object.values(account.grants).sort((a, b) => {
    if (CLASS[a.kind] !== CLASS[b.kind]) return CLASS[a.kind] - CLASS[b.kind];
    const [left, right] = [expiryOf(a), expiryOf(b)];
    if (left !== right) return left < right ? -1 : 1; // not a difference: two that never expire would give NaN
    if (a.kind !== b.kind) return a.kind === 'adjustment' ? -1 : 1;
    return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
  });
}

/** When the first of the open grants expires; undefined when none does. */
export function nextGrantExpiryMs(account: Account): number | undefined {
  const first = Math.min(...Object.values(account.grants).map(expiryOf));
  return Number.isFinite(first) ? first : undefined;
}

/** What is left of the overage that a subscription allows: a part of available that nobody has paid for. */
export const overageLeft = (account: Account): MicroCredits =>
  sumMicro(
    Object.values(account.grants)
      .filter((grant) => grant.kind === 'overage')
      .map((grant) => grant.remainingMicro),
  );

/**
 * Lowers available by the amount and burns grants for it, `first` before all others; what no grant covers is debt.
 * Only usage burns overage: with `sparesOverage` it is left alone. Keeps Σ remaining − debt = available + held.
 */
export function take(
  account: Account,
  amount: MicroCredits,
  {
    first,
    sparesOverage = false,
  }: { readonly first?: OpenGrant | undefined; readonly sparesOverage?: boolean } = {},
): Account {
  const others = inBurnOrder(account).filter((grant) => !sparesOverage || grant.kind !== 'overage');
  const order = first === undefined ? others : [first, ...others];
  let left = amount;
  const grants = { ...account.grants };
  for (const { id } of order) {
    const grant = grants[id];
    if (grant === undefined || left === 0) continue;
    const burnt = minMicro(grant.remainingMicro, left);
    left = subtractMicro(left, burnt);
    if (burnt === grant.remainingMicro) delete grants[id];
    else grants[id] = { ...grant, remainingMicro: subtractMicro(grant.remainingMicro, burnt) };
  }
  return {
    ...account,
    grants,
    availableMicro: subtractMicro(account.availableMicro, amount),
    debtMicro: addMicro(account.debtMicro, left),
  };
}

/**
 * Raises available by the amount: it pays debt first, and the rest is what the grant has left to burn. Overage pays
 * no debt: it would be invoiced without having been used.
 */
export function give(
  account: Account,
  amount: MicroCredits,
  grant: Omit<OpenGrant, 'remainingMicro'>,
): Account {
  const paid = grant.kind === 'overage' ? ZERO : minMicro(account.debtMicro, amount);
  const left = addMicro(subtractMicro(amount, paid), account.grants[grant.id]?.remainingMicro ?? ZERO);
  const open: OpenGrant = {
    id: grant.id,
    kind: grant.kind,
    remainingMicro: left,
    ...(grant.expiresAtMs === undefined ? {} : { expiresAtMs: grant.expiresAtMs }),
  };
  return {
    ...account,
    grants: left === 0 ? account.grants : { ...account.grants, [grant.id]: open },
    availableMicro: addMicro(account.availableMicro, amount),
    debtMicro: subtractMicro(account.debtMicro, paid),
  };
}

/** What is available apart from overage: given or bought, and not used up. Negative where more was used. */
export const prepaid = (account: Account): MicroCredits =>
  subtractMicro(account.availableMicro, overageLeft(account));

/** What may be taken without going below zero. */
export const spendable = (account: Account): MicroCredits => maxMicro(account.availableMicro, ZERO);

/** Sums amounts; throws beyond ±2^53. */
export const sumMicro = (amounts: Iterable<MicroCredits>): MicroCredits => {
  let sum = 0;
  for (const amount of amounts) sum += amount;
  return micro(sum);
};
