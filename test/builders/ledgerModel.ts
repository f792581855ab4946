import { emptyAccount } from '#core/ledger/account.ts';
import {
  applyClawBack,
  applyDebit,
  applyFreeze,
  applyGrant,
  applyRelease,
  type Book,
} from '#core/ledger/apply.ts';
import type { Change, EntryDraft } from '#core/ledger/change.ts';
import { expireGrants } from '#core/ledger/expire.ts';
import { endCall, endHolds, expiredHolds, placeHold } from '#core/ledger/holds.ts';
import { KEY_STOP_KEPT_MS } from '#core/ledger/limits.ts';
import type { ApplyRefused, Charge, ClawBack, Debit, Grant, Ledger, PlaceHold } from '#core/ledger/ports.ts';
import { settleCharges } from '#core/ledger/settle.ts';
import type { Account, AccountStatus, EntryKind, EntrySource, GrantRecord } from '#core/ledger/types.ts';
import { changeLimits, type LimitChange, slowKey } from '#core/limits/changeLimits.ts';
import type { Slowdown } from '#core/limits/types.ts';
import { periodAt } from '#core/limits/windows.ts';
import type { GrantId, HoldId, KeyId, TenantId } from '#core/shared/ids.ts';
import { ZERO } from '#core/shared/money.ts';
import type { Result } from '#core/shared/result.ts';

type OnGrant = Omit<ClawBack, 'amountMicro'>;

/** One call of the ledger's port, as data. */
export type Operation =
  | { readonly op: 'hold'; readonly place: PlaceHold }
  | { readonly op: 'void'; readonly holdId: HoldId }
  | { readonly op: 'settle'; readonly charges: readonly Charge[] }
  | { readonly op: 'grant'; readonly input: Grant }
  | { readonly op: 'debit'; readonly input: Debit }
  | { readonly op: 'clawBack'; readonly input: ClawBack }
  | { readonly op: 'freeze'; readonly input: OnGrant }
  | { readonly op: 'release'; readonly input: OnGrant }
  | { readonly op: 'expire'; readonly nowMs: number }
  | { readonly op: 'status'; readonly status: AccountStatus }
  | { readonly op: 'stopKey'; readonly keyId: KeyId; readonly fromMs: number }
  | { readonly op: 'endCall'; readonly holdId: HoldId }
  | { readonly op: 'limits'; readonly change: LimitChange }
  | { readonly op: 'slowKey'; readonly keyId: KeyId; readonly slow: Slowdown };

/** One tenant's book as the pure rules have it: no database, no clock, nothing but values. */
export type ModelBook = {
  readonly account: Account;
  readonly records: Readonly<Record<string, GrantRecord>>;
  /** By source and kind of entry, the input that made it. */
  readonly made: Readonly<Record<string, string>>;
  readonly entries: readonly EntryDraft[];
};

export const emptyBook = (tenantId: TenantId): ModelBook => ({
  account: emptyAccount(tenantId, ZERO),
  records: {},
  made: {},
  entries: [],
});

/** One atomic step of an operation: it ends with an outcome, or another step follows, perhaps after other operations'. */
export type Step = (book: ModelBook) => StepResult;
type StepResult =
  | { readonly book: ModelBook; readonly outcome: string }
  | { readonly book: ModelBook; readonly next: Step };

/** What an operation does, step by step, by the pure rules. */
export function stepsOf(operation: Operation): Step {
  switch (operation.op) {
    case 'hold':
      return holdStep(operation.place);
    case 'void':
      return (book) => {
        const open = book.account.holds[operation.holdId] !== undefined;
        const account = endHolds(book.account, [operation.holdId]);
        return { book: { ...book, account }, outcome: open ? 'voided' : 'already_ended' };
      };
    case 'settle':
      return (book) => settleStep(book, operation.charges);
    case 'grant':
      return marked(
        operation.input,
        'grant',
        operation.input.grantId,
        [operation.input.kind, operation.input.amountMicro],
        (book) => applyGrant(book, operation.input),
      );
    case 'debit':
      return marked(operation.input, 'debit', undefined, [operation.input.amountMicro], (book) =>
        applyDebit(book, operation.input),
      );
    case 'clawBack':
      return marked(
        operation.input,
        'refund',
        operation.input.grantId,
        [operation.input.amountMicro],
        (book) => applyClawBack(book, operation.input),
      );
    case 'freeze':
      return marked(operation.input, 'freeze', operation.input.grantId, [], (book) =>
        applyFreeze(book, operation.input),
      );
    case 'release':
      return marked(operation.input, 'release', operation.input.grantId, [], (book) =>
        applyRelease(book, operation.input),
      );
    case 'expire':
      return sweepSteps(operation.nowMs, (book) => ({ book, outcome: 'swept' }));
    case 'status':
      return (book) =>
        book.account.status === 'closed' && operation.status !== 'closed'
          ? { book, outcome: 'account_closed' }
          : {
              book: { ...book, account: { ...book.account, status: operation.status } },
              outcome: operation.status,
            };
    case 'stopKey':
      return (book) => {
        const fromMs = Math.min(book.account.keyStops[operation.keyId] ?? operation.fromMs, operation.fromMs);
        const keyStops = { ...book.account.keyStops, [operation.keyId]: fromMs };
        return { book: { ...book, account: { ...book.account, keyStops } }, outcome: String(fromMs) };
      };
    case 'endCall':
      return (book) => ({
        book: { ...book, account: endCall(book.account, operation.holdId) },
        outcome: 'ended',
      });
    case 'limits':
      return (book) =>
        limited(book, changeLimits(book.account.limits, operation.change, spentIn(book, operation.change)));
    case 'slowKey':
      return (book) => limited(book, slowKey(book.account.limits, operation.keyId, operation.slow));
  }
}

const limited = (book: ModelBook, changed: ReturnType<typeof changeLimits>): StepResult =>
  changed.ok
    ? { book: { ...book, account: { ...book.account, limits: changed.value } }, outcome: 'changed' }
    : { book, outcome: changed.error.code };

/** What the book's own entries say was charged in the period that runs. */
const spentIn =
  (book: ModelBook, { timeZone, nowMs }: LimitChange) =>
  (scope: string, kind: 'day' | 'month'): number => {
    const zone = timeZone ?? book.account.limits?.timeZone ?? 'UTC';
    const isIn = (atMs: number): boolean => periodAt(kind, zone, atMs) === periodAt(kind, zone, nowMs);
    return book.entries
      .filter(({ usage, atMs }) => usage !== undefined && isIn(atMs))
      .filter(({ usage }) => scope === 'tenant' || usage?.keyId === scope)
      .reduce((sum, entry) => sum - entry.amountMicro, 0);
  };

const holdStep =
  (place: PlaceHold): Step =>
  (book) => {
    const placed = placeHold(book.account, place);
    if (placed.ok) return { book: { ...book, account: placed.value }, outcome: 'placed' };
    if (placed.error.code !== 'sweep_due') return { book, outcome: placed.error.code };
    return { book, next: sweepSteps(place.nowMs, holdStep(place)) };
  };

/** Holds, then grants, then key stops: three writes, between which others may write. */
function sweepSteps(nowMs: number, last: Step): Step {
  const keyStops: Step = (book) => {
    const { keyStops: stops, limits } = book.account;
    const isKept = (key: string): boolean => (stops[key] ?? nowMs) >= nowMs - KEY_STOP_KEPT_MS;
    const keyStops = Object.fromEntries(Object.entries(stops).filter(([key]) => isKept(key)));
    const scopes = Object.fromEntries(Object.entries(limits?.scopes ?? {}).filter(([key]) => isKept(key)));
    const forgot = Object.keys(scopes).length < Object.keys(limits?.scopes ?? {}).length;
    const kept =
      limits !== undefined && forgot ? { limits: { ...limits, revision: limits.revision + 1, scopes } } : {};
    return {
      book: { ...book, account: { ...book.account, keyStops, ...kept } },
      next: last,
    };
  };
  const grants: Step = (book) => {
    const records = new Map<GrantId, GrantRecord>(Object.values(book.records).map((r) => [r.id, r]));
    const change = expireGrants(book.account, records, nowMs);
    return { book: change === undefined ? book : written(book, change), next: keyStops };
  };
  return (book) => {
    const ids = expiredHolds(book.account, nowMs).map((hold) => hold.id);
    return { book: { ...book, account: endHolds(book.account, ids) }, next: grants };
  };
}

function settleStep(book: ModelBook, charges: readonly Charge[]): StepResult {
  const known = new Set(book.entries.filter((e) => e.usage !== undefined).map((e) => e.source.id));
  const fresh = charges.filter(({ event }) => !known.has(event.id) && known.add(event.id));
  if (fresh.length === 0) return { book, outcome: charges.map(() => 'duplicate').join() };
  const settlement = settleCharges(book.account, fresh);
  const outcomes = new Map(fresh.map((charge, n) => [charge, settlement.outcomes[n]]));
  return {
    book: written(book, settlement),
    outcome: charges.map((charge) => describeSettled(outcomes.get(charge))).join(),
  };
}

const describeSettled = (settled: Awaited<ReturnType<Ledger['settle']>>[number] | undefined): string =>
  settled?.outcome === 'settled' ? `${settled.chargedMicro}+${settled.shortfallMicro}` : 'duplicate';

const sourceKey = (source: EntrySource, kind: EntryKind): string => `${source.kind}/${source.id}/${kind}`;

function marked(
  { source }: Pick<Debit, 'source'>,
  kind: EntryKind,
  grantId: GrantId | undefined,
  input: readonly unknown[],
  rule: (book: Book) => Result<Change, ApplyRefused>,
): Step {
  // As in the store, a grant's own id is no part of its input; that of the grant an operation is about is.
  const text = JSON.stringify(kind === 'grant' ? input : [grantId, ...input]);
  return (book) => {
    const before = book.made[sourceKey(source, kind)];
    if (before !== undefined)
      return { book, outcome: before === text ? 'duplicate' : 'idempotency_conflict' };
    const kinds: readonly EntryKind[] = ['release', 'refund', 'grant', 'debit'];
    const made = new Set(kinds.filter((k) => book.made[sourceKey(source, k)] !== undefined));
    const grant = grantId === undefined ? undefined : book.records[grantId];
    const decided = rule({ account: book.account, grant, made });
    if (!decided.ok) return { book, outcome: decided.error.code };
    const marks = decided.value.entries.map((entry) => [
      sourceKey(source, entry.kind),
      entry.kind === kind ? text : JSON.stringify([grantId]),
    ]);
    const after = written(book, decided.value);
    return { book: { ...after, made: { ...after.made, ...Object.fromEntries(marks) } }, outcome: 'applied' };
  };
}

const written = (book: ModelBook, change: Change): ModelBook => ({
  ...book,
  account: change.account,
  records: { ...book.records, ...Object.fromEntries(change.grants.map((record) => [record.id, record])) },
  entries: [...book.entries, ...change.entries],
});

/** The same operation on a real ledger, with its outcome in the model's words. */
export async function runOn(ledger: Ledger, tenantId: TenantId, operation: Operation): Promise<string> {
  const applied = (result: Awaited<ReturnType<Ledger['grant']>>): string =>
    result.ok ? result.value.outcome : result.error.code;
  switch (operation.op) {
    case 'hold': {
      const placed = await ledger.placeHold(operation.place);
      return placed.ok ? 'placed' : placed.error.code;
    }
    case 'void':
      return ledger.voidHold(tenantId, operation.holdId);
    case 'settle':
      return (await ledger.settle(tenantId, operation.charges)).map(describeSettled).join();
    case 'grant':
    case 'debit':
    case 'clawBack':
    case 'freeze':
    case 'release':
      return applied(await applyOn(ledger, operation));
    case 'expire':
      await ledger.expire(tenantId, operation.nowMs);
      return 'swept';
    case 'status': {
      const set = await ledger.setStatus(tenantId, operation.status);
      return set.ok ? set.value : set.error.code;
    }
    case 'stopKey': {
      const stopped = await ledger.stopKey(tenantId, operation.keyId, operation.fromMs);
      return stopped.ok ? String(stopped.value) : stopped.error.code;
    }
    case 'endCall':
      await ledger.endCall(tenantId, operation.holdId);
      return 'ended';
    case 'limits': {
      const changed = await ledger.setLimits(tenantId, operation.change);
      return changed.ok ? 'changed' : changed.error.code;
    }
    case 'slowKey': {
      const { keyId, slow } = operation;
      const changed = await ledger.slowKey(tenantId, { keyId, slow });
      return changed.ok ? 'changed' : changed.error.code;
    }
  }
}

function applyOn(
  ledger: Ledger,
  operation: Extract<Operation, { op: 'grant' | 'debit' | 'clawBack' | 'freeze' | 'release' }>,
): ReturnType<Ledger['grant']> {
  switch (operation.op) {
    case 'grant':
      return ledger.grant(operation.input);
    case 'debit':
      return ledger.debit(operation.input);
    case 'clawBack':
      return ledger.clawBack(operation.input);
    case 'freeze':
      return ledger.freeze(operation.input);
    case 'release':
      return ledger.release(operation.input);
  }
}
