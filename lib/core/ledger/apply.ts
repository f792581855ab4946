import { addMicro, type MicroCredits, micro, minMicro, subtractMicro, ZERO } from '#core/shared/money.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { give, overageLeft, spendable, take } from './account.ts';
import { type Change, type EntryDraft, guardTaking } from './change.ts';
import { MAX_BALANCE_MICRO, MAX_OPEN_GRANTS } from './limits.ts';
import type { ApplyRefused, ClawBack, Debit, Grant } from './ports.ts';
import type { Account, EntryKind, EntrySource, GrantRecord } from './types.ts';

/** All that the rules need to know of the book for one operation that names its source. */
export type Book = {
  readonly account: Account;
  /** The grant that the operation is about; undefined when there is none of that id. */
  readonly grant: GrantRecord | undefined;
  /** The kinds of entry that the operation's source made before. */
  readonly made: ReadonlySet<EntryKind>;
};

type OnGrant = Omit<ClawBack, 'amountMicro' | 'sparesSpent'>;
type Outcome = Result<Change, ApplyRefused>;

/** Adds credits. They pay debt first; the rest is the grant's to burn. A grant's id serves once, whatever the source. */
export function applyGrant({ account, grant: known, made }: Book, grant: Grant): Outcome {
  requireAmount(grant.amountMicro);
  if (known !== undefined || made.has('debit')) return err({ code: 'idempotency_conflict' });
  if (isFull(account, grant.amountMicro)) return err({ code: 'too_many_grants' });
  const expiry = grant.expiresAtMs === undefined ? {} : { expiresAtMs: grant.expiresAtMs };
  const record: GrantRecord = {
    id: grant.grantId,
    kind: grant.kind,
    amountMicro: grant.amountMicro,
    ...expiry,
    takenBackMicro: ZERO,
    frozenMicro: ZERO,
    frozenBy: [],
  };
  return ok({
    account: next(account, give(account, grant.amountMicro, record)),
    entries: [draft(account, grant, 'grant', grant.amountMicro, grant)],
    grants: [record],
    guard: { kind: 'none' },
  });
}

/**
 * Takes credits that are available, overage apart; refused when they are not. What granted once cannot debit, and the
 * other way round.
 */
export function applyDebit({ account, made }: Book, debit: Debit): Outcome {
  requireAmount(debit.amountMicro);
  if (made.has('grant')) return err({ code: 'idempotency_conflict' });
  const needed = addMicro(debit.amountMicro, overageLeft(account));
  if (debit.amountMicro > 0 && needed > spendable(account)) {
    return err({ code: 'insufficient_credits', availableMicro: account.availableMicro });
  }
  return ok({
    account: next(account, take(account, debit.amountMicro, { sparesOverage: true })),
    entries: [draft(account, debit, 'debit', micro(-debit.amountMicro))],
    grants: [],
    guard: guardTaking(account, debit.amountMicro > 0 ? { wanted: needed, taken: needed } : NOTHING),
  });
}

const NOTHING = { wanted: ZERO, taken: ZERO };

/** Moves what is left of a grant, as far as it is available, out of reach. Nothing when this source's dispute ended already. */
export function applyFreeze({ account, grant, made }: Book, freeze: OnGrant): Outcome {
  if (grant === undefined) return err({ code: 'grant_not_found' });
  const ended = made.has('release') || made.has('refund');
  const open = account.grants[grant.id];
  const wanted = ended || open === undefined ? ZERO : open.remainingMicro;
  const taken = minMicro(wanted, spendable(account));
  const record = ended
    ? grant
    : {
        ...grant,
        frozenMicro: addMicro(grant.frozenMicro, taken),
        frozenBy: [...without(grant, freeze), name(freeze.source)],
      };
  return ok({
    account: next(account, take(account, taken, { first: open })),
    entries: [draft(account, freeze, 'freeze', micro(-taken), freeze)],
    grants: [record],
    guard: guardTaking(account, { wanted, taken }),
  });
}

/** Ends this source's freeze; when no other keeps it, the frozen part returns. */
export function applyRelease({ account, grant }: Book, release: OnGrant): Outcome {
  if (grant === undefined) return err({ code: 'grant_not_found' });
  const frozenBy = without(grant, release);
  const returned = frozenBy.length === 0 ? grant.frozenMicro : ZERO;
  return ok({
    account: next(account, give(account, returned, grant)),
    entries: [draft(account, release, 'release', returned, release)],
    grants: [{ ...grant, frozenBy, frozenMicro: subtractMicro(grant.frozenMicro, returned) }],
    guard: { kind: 'none' },
  });
}

/**
 * Takes back from the frozen part first, whoever froze it, then from the grant, then from whatever burns next, then
 * into debt. It thaws what it takes; it does not release, which its source may have done before.
 */
export function applyClawBack({ account, grant }: Book, clawBack: ClawBack): Outcome {
  requireAmount(clawBack.amountMicro);
  if (grant === undefined) return err({ code: 'grant_not_found' });
  const { sparesSpent = false } = clawBack;
  // Of what is left it takes no more than is available: what a call holds is as good as spent.
  const open = account.grants[grant.id]?.remainingMicro ?? ZERO;
  const wanted = minMicro(
    subtractMicro(clawBack.amountMicro, minMicro(clawBack.amountMicro, grant.frozenMicro)),
    open,
  );
  const taken = minMicro(wanted, spendable(account));
  const amount = sparesSpent
    ? addMicro(minMicro(clawBack.amountMicro, grant.frozenMicro), taken)
    : minMicro(clawBack.amountMicro, reclaimable(account, grant));
  const frozenBy = without(grant, clawBack);
  const thawed = frozenBy.length === 0 ? grant.frozenMicro : minMicro(amount, grant.frozenMicro);
  const unfrozen = give(account, thawed, grant);
  const refund = draft(account, clawBack, 'refund', micro(-amount), clawBack);
  return ok({
    account: next(account, take(unfrozen, amount, { first: unfrozen.grants[grant.id], sparesOverage: true })),
    entries: thawed > 0 ? [draft(account, clawBack, 'thaw', thawed, clawBack), refund] : [refund],
    grants: [
      {
        ...grant,
        frozenBy,
        frozenMicro: subtractMicro(grant.frozenMicro, thawed),
        takenBackMicro: addMicro(grant.takenBackMicro, amount),
      },
    ],
    guard: sparesSpent ? guardTaking(account, { wanted, taken }) : { kind: 'none' },
  });
}

/** What is not taken back yet; of overage, which nobody paid for, only what is not burnt either. */
function reclaimable(account: Account, grant: GrantRecord): MicroCredits {
  if (grant.kind !== 'overage') return subtractMicro(grant.amountMicro, grant.takenBackMicro);
  return addMicro(grant.frozenMicro, account.grants[grant.id]?.remainingMicro ?? ZERO);
}

const isFull = (account: Account, amount: MicroCredits): boolean =>
  Object.keys(account.grants).length >= MAX_OPEN_GRANTS ||
  account.availableMicro + account.heldMicro + amount > MAX_BALANCE_MICRO;

const name = (source: EntrySource): string => `${source.kind}/${source.id}`;

const without = (grant: GrantRecord, { source }: OnGrant): readonly string[] =>
  grant.frozenBy.filter((by) => by !== name(source));

const next = (before: Account, after: Account): Account => ({ ...after, version: before.version + 1 });

function draft(
  before: Account,
  cause: Omit<Debit, 'amountMicro'>,
  kind: EntryKind,
  amountMicro: MicroCredits,
  grant?: { readonly grantId: GrantRecord['id'] },
): EntryDraft {
  return {
    tenantId: cause.tenantId,
    kind,
    amountMicro,
    atMs: cause.nowMs,
    accountVersion: before.version + 1,
    source: cause.source,
    ...(grant === undefined ? {} : { grantId: grant.grantId }),
    reason: cause.reason,
    actor: cause.actor,
  };
}

function requireAmount(amount: MicroCredits): void {
  if (amount < 0)
    throw new RangeError(`an operation on credits needs an amount of zero or more, not ${amount}`);
}
