import {
  applyClawBack,
  applyDebit,
  applyFreeze,
  applyGrant,
  applyRelease,
  type Book,
} from '#core/ledger/apply.ts';
import type { Change } from '#core/ledger/change.ts';
import type { Applied, ApplyRefused, ClawBack, Debit, Grant } from '#core/ledger/ports.ts';
import {
  type Account,
  ENTRY_KINDS,
  type EntryKind,
  type EntrySource,
  type GrantRecord,
} from '#core/ledger/types.ts';
import type { GrantId, TenantId } from '#core/shared/ids.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { cancellationCodes, MOVED, withRetries } from './ledgerRetry.ts';
import {
  finishEntry,
  ledgerKeys,
  type SourceMark,
  sha256,
  toGrantRecord,
  toSourceMark,
} from './ledgerRows.ts';
import { type LedgerTable, readAccountItem, readRow, writeTogether } from './ledgerTable.ts';
import { accountWrite, entryWrite, grantWrite, markWrite } from './ledgerWrites.ts';

type OnGrant = Omit<ClawBack, 'amountMicro' | 'sparesSpent'>;
type Outcome = Result<Applied, ApplyRefused>;

/** One operation that names its source, as the store carries it out. */
type Operation = {
  readonly tenantId: TenantId;
  readonly source: EntrySource;
  readonly grantId: GrantId | undefined;
  /** The kind of entry that says it was done. */
  readonly kind: EntryKind;
  readonly rule: (book: Book) => Result<Change, ApplyRefused>;
  /** The hash of the input behind an entry of a kind: what must be the same in a repeat. */
  readonly hashOf: (kind: EntryKind) => string;
};

export const grant = (table: LedgerTable, input: Grant): Promise<Outcome> =>
  apply(table, {
    ...input,
    kind: 'grant',
    rule: (book) => applyGrant(book, input),
    // Its id and expiry are left out: whoever repeats a grant may have made new ones.
    hashOf: (kind) => inputHash([kind, input.kind, input.amountMicro, input.reason]),
  });

export const debit = (table: LedgerTable, input: Debit): Promise<Outcome> =>
  apply(table, {
    ...input,
    grantId: undefined,
    kind: 'debit',
    rule: (book) => applyDebit(book, input),
    hashOf: (kind) => inputHash([kind, input.amountMicro, input.reason]),
  });

export const clawBack = (table: LedgerTable, input: ClawBack): Promise<Outcome> =>
  apply(table, {
    ...input,
    kind: 'refund',
    rule: (book) => applyClawBack(book, input),
    hashOf: (kind) => inputHash([kind, input.grantId, input.amountMicro]),
  });

export const freeze = (table: LedgerTable, input: OnGrant): Promise<Outcome> =>
  apply(table, {
    ...input,
    kind: 'freeze',
    rule: (book) => applyFreeze(book, input),
    hashOf: (kind) => onGrantHash(kind, input),
  });

export const release = (table: LedgerTable, input: OnGrant): Promise<Outcome> =>
  apply(table, {
    ...input,
    kind: 'release',
    rule: (book) => applyRelease(book, input),
    hashOf: (kind) => onGrantHash(kind, input),
  });

export async function readGrant(
  table: LedgerTable,
  tenantId: TenantId,
  grantId: GrantId,
): Promise<GrantRecord | undefined> {
  const row = await readRow(table, tenantId, ledgerKeys.grant(grantId));
  return row === undefined ? undefined : toGrantRecord(row);
}

const inputHash = (input: readonly unknown[]): string => sha256(JSON.stringify(input));
const onGrantHash = (kind: EntryKind, input: OnGrant): string => inputHash([kind, input.grantId]);

async function apply(table: LedgerTable, operation: Operation): Promise<Outcome> {
  return withRetries(table.patience, async () => {
    // The account comes first: whatever changes the other rows moves its version, and then the write is refused.
    const account = await readAccountItem(table, operation.tenantId);
    if (account === undefined) return err({ code: 'account_not_found' });
    const { mark, record } = await readAround(table, operation);
    const made = mark[operation.kind];
    if (made !== undefined) {
      return made === operation.hashOf(operation.kind)
        ? ok({ outcome: 'duplicate', account })
        : err({ code: 'idempotency_conflict' });
    }
    const kinds = new Set(ENTRY_KINDS.filter((kind) => mark[kind] !== undefined));
    const decided = operation.rule({ account, grant: record, made: kinds });
    if (!decided.ok) return (await hasMoved(table, account)) ? MOVED : decided;
    const written = await write(table, operation, { account, mark, change: decided.value });
    return written ? ok({ outcome: 'applied', account: decided.value.account }) : MOVED;
  });
}

/**
 * Whether the book changed since the account was read. A change is written on condition of the version, a refusal is
 * not written at all: without this look, half of what another attempt wrote meanwhile could refuse its repeat.
 */
async function hasMoved(table: LedgerTable, account: Account): Promise<boolean> {
  return (await readAccountItem(table, account.tenantId))?.version !== account.version;
}

async function readAround(table: LedgerTable, { tenantId, source, grantId }: Operation) {
  const [mark, record] = await Promise.all([
    readRow(table, tenantId, ledgerKeys.mark(source)),
    grantId === undefined ? undefined : readRow(table, tenantId, ledgerKeys.grant(grantId)),
  ]);
  return {
    mark: toSourceMark(mark),
    record: record === undefined ? undefined : toGrantRecord(record),
  };
}

type Write = { readonly account: Account; readonly mark: SourceMark; readonly change: Change };

/** False, and nothing written, when the book moved since it was read. */
async function write(table: LedgerTable, operation: Operation, { account, mark, change }: Write) {
  const entries = change.entries.map((draft) => finishEntry(draft, operation.hashOf(draft.kind)));
  const made = Object.fromEntries(entries.map((entry) => [entry.kind, entry.inputHash]));
  try {
    await writeTogether(table, [
      accountWrite(table.name, account, change),
      ...entries.map((entry) => entryWrite(table.name, entry)),
      ...change.grants.map((r) => grantWrite(table.name, change.account, r, operation.kind === 'grant')),
      markWrite(table.name, change.account, operation.source, { read: mark, made }),
    ]);
    return true;
  } catch (error) {
    if (cancellationCodes(error).includes('ConditionalCheckFailed')) return false;
    throw error;
  }
}
