import type { AuditRow } from '#core/ledger/auditBook.ts';
import { makeBookAuditor } from '#core/ledger/auditBook.ts';
import type { EntryDraft } from '#core/ledger/change.ts';
import { forgetPastOf } from '#core/limits/endHold.ts';
import type { KeyId, TenantId } from '#core/shared/ids.ts';
import { makeAuditSource } from '#io/dynamodb/ledgerAuditSource.ts';
import type { TestDatabase } from './database.ts';
import { testId } from './ledger.ts';
import type { ModelBook, Step } from './ledgerModel.ts';

/** What can be seen of a book from outside, as one text that is the same exactly when the book is. */
export const seen = (book: Pick<ModelBook, 'account' | 'records' | 'entries'>): string =>
  canonical({
    account: book.account,
    records: book.records,
    entries: Object.fromEntries(book.entries.map((e) => [`${e.source.kind}/${e.source.id}/${e.kind}`, e])),
  });

/** As `seen`, without what has left the window of the limits: who writes next forgets it, or does not need to. */
export const seenAt = (book: Parameters<typeof seen>[0], nowMs: number): string => {
  const { account } = book;
  if (account.limits === undefined) return seen(book);
  const keys = Object.keys(account.limits.scopes);
  const limits = keys.reduce(
    (forgot, scope) => forgetPastOf(forgot, testId<KeyId>('key', scope.replace('key_', '')), nowMs),
    account.limits,
  );
  return seen({ ...book, account: { ...account, limits } });
};

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${name}:${canonical(field)}`).join()}}`;
}

/** A possible course of the model, and the same text for courses that cannot be told apart later. */
const identity = (book: ModelBook): string => `${seen(book)} ${canonical(book.made)}`;

/**
 * Where a book may be after operations that ran at the same time: after every order of their steps in which each
 * has the outcome that was observed. Empty: no order explains what was seen.
 */
export function outcomesOf(
  books: readonly ModelBook[],
  operations: readonly { readonly step: Step; readonly observed: string | undefined }[],
): readonly ModelBook[] {
  const found = new Map<string, ModelBook>();
  const tried = new Set<string>();
  const steps = new Map<Step, number>();
  const visit = (book: ModelBook, pending: readonly (Step | undefined)[]): void => {
    const at = `${pending.map((step) => (step === undefined ? '-' : number(step))).join()} ${identity(book)}`;
    if (tried.has(at)) return;
    tried.add(at);
    if (pending.every((step) => step === undefined)) found.set(identity(book), book);
    pending.forEach((step, index) => {
      if (step === undefined) return;
      const result = step(book);
      const expected = operations[index]?.observed;
      if ('outcome' in result && expected !== undefined && expected !== result.outcome) return;
      visit(result.book, pending.with(index, 'next' in result ? result.next : undefined));
    });
  };
  const number = (step: Step): number => {
    const known = steps.get(step) ?? steps.size;
    steps.set(step, known);
    return known;
  };
  for (const book of books) {
    visit(
      book,
      operations.map((operation) => operation.step),
    );
  }
  return [...found.values()];
}

/** Where a book may be after an operation that died: before its first step, between two of them, or after the last. */
export function diedIn(books: readonly ModelBook[], first: Step): readonly ModelBook[] {
  const found = new Map<string, ModelBook>();
  for (const start of books) {
    let book = start;
    let step: Step | undefined = first;
    found.set(identity(book), book);
    while (step !== undefined) {
      const result: ReturnType<Step> = step(book);
      book = result.book;
      found.set(identity(book), book);
      step = 'next' in result ? result.next : undefined;
    }
  }
  return [...found.values()];
}

/** A tenant's book as the database has it at a moment, and what the audit says of it. */
export async function readBook(database: TestDatabase, tenantId: TenantId, nowMs = 0) {
  const source = makeAuditSource(database.client, `${database.prefix}ledger`);
  const account = await source.readAccount(tenantId);
  if (account === undefined) throw new Error(`${tenantId} has no account`);
  const auditor = makeBookAuditor(account);
  const entries: EntryDraft[] = [];
  const records: Record<string, Extract<AuditRow, { row: 'grant' }>['record']> = {};
  for await (const row of source.rows(tenantId)) {
    auditor.add(row);
    if (row.row === 'grant') records[row.record.id] = row.record;
    if (row.row === 'entry') {
      const { id: _id, inputHash: _hash, ...draft } = row.entry;
      entries.push(draft);
    }
  }
  return { seen: seenAt({ account, records, entries }, nowMs), ...auditor.finish(undefined) };
}
