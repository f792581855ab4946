import { dayOf } from '#core/ledger/rollup.ts';
import type { Account } from '#core/ledger/types.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { addMicro, type MicroCredits, ZERO } from '#core/shared/money.ts';
import { lineOf, makeLineSum } from './lines.ts';
import type { Period } from './periods.ts';
import type { PlacedEntry, Sha256Hex, StatementBook } from './ports.ts';
import { CHAIN_START, type ChainHead, nextReceipt } from './receipts.ts';
import type { Receipt, Seal } from './types.ts';

type Book = Pick<StatementBook, 'entries' | 'daysSettledSince'>;

/** A stretch of one tenant's book, and the versions of the account between which late entries count. */
export type Stretch = {
  readonly tenantId: TenantId;
  readonly period: Period;
  /** Entries up to this version are part of seals before. 0: there are none. */
  readonly sealedVersion: number;
  readonly version: number;
  /** Days before the period to look for late entries in; `all`: the whole book before it. */
  readonly lateDays: readonly string[] | 'all';
};

const DAY_MS = 86_400_000;

/**
 * The entries that belong to a stretch, in the order of the book: first those that came late for earlier seals, then
 * its own. Each entry belongs to one stretch: its own when it was settled by that stretch's version, else the first
 * one after whose version has it.
 */
export async function* entriesOfStretch(
  book: Pick<Book, 'entries'>,
  stretch: Stretch,
  after?: string,
): AsyncGenerator<PlacedEntry> {
  const { tenantId, period, sealedVersion, version } = stretch;
  const skip = after === undefined ? {} : { after };
  for (const range of lateRanges(stretch)) {
    for await (const placed of book.entries(tenantId, { ...range, ...skip })) {
      const settledAt = placed.entry.accountVersion;
      if (settledAt > sealedVersion && settledAt <= version) yield placed;
    }
  }
  for await (const placed of book.entries(tenantId, { ...period, ...skip })) {
    if (placed.entry.accountVersion <= version) yield placed;
  }
}

function lateRanges({ period, lateDays, sealedVersion }: Stretch): readonly Period[] {
  if (sealedVersion === 0) return [];
  if (lateDays === 'all') return [{ fromMs: 0, toMs: period.fromMs }];
  return [...lateDays]
    .sort()
    .map((day) => {
      const fromMs = Date.parse(`${day}T00:00:00Z`);
      return { fromMs, toMs: Math.min(fromMs + DAY_MS, period.fromMs) };
    })
    .filter(({ fromMs, toMs }) => toMs > fromMs);
}

export type LinkedReceipt = { readonly place: string; readonly receipt: Receipt };

/** Links entries to a chain, one receipt each. */
export async function* linkReceipts(
  entries: AsyncIterable<PlacedEntry>,
  head: ChainHead,
  sha256: Sha256Hex,
): AsyncGenerator<LinkedReceipt> {
  let last = head;
  for await (const { place, entry } of entries) {
    const receipt = nextReceipt(last, entry, sha256);
    last = receipt;
    yield { place, receipt };
  }
}

export type FoldedPeriod = { readonly seal: Seal; readonly lateDays: readonly string[] };

/** What the seal of a period would be, on top of the seal before, as the book stands with this account. Writes nothing. */
export async function foldPeriod(
  deps: { readonly book: Book; readonly sha256: Sha256Hex },
  options: {
    readonly account: Account;
    readonly previous: Seal | undefined;
    readonly period: Period;
    /** Looks for late entries everywhere, not only where roll-ups say that there are some. */
    readonly everywhere?: boolean;
  },
): Promise<FoldedPeriod> {
  const { account, previous, period, everywhere = false } = options;
  const { tenantId, version } = account;
  const sealedVersion = previous?.accountVersion ?? 0;
  const lateDays = everywhere
    ? 'all'
    : await deps.book.daysSettledSince(tenantId, sealedVersion, dayOf(period.fromMs));
  const start = headOf(previous);
  const sum = makeLineSum();
  const late = new Set<string>();
  let head: ChainHead = start;
  let closingMicro: MicroCredits = previous?.closingMicro ?? ZERO;
  const from = new Date(period.fromMs).toISOString();
  const entries = entriesOfStretch(deps.book, { tenantId, period, sealedVersion, version, lateDays });
  for await (const { receipt } of linkReceipts(entries, start, deps.sha256)) {
    const line = lineOf(receipt);
    sum.add(line);
    if (receipt.at < from) late.add(line.day);
    closingMicro = addMicro(closingMicro, receipt.amountMicro);
    head = receipt;
  }
  return {
    lateDays: [...late].sort(),
    seal: {
      tenantId,
      number: (previous?.number ?? 0) + 1,
      from,
      to: new Date(period.toMs).toISOString(),
      accountVersion: version,
      firstSequence: start.sequence + 1,
      receipts: head.sequence - start.sequence,
      openingMicro: previous?.closingMicro ?? ZERO,
      closingMicro,
      previousHash: start.hash,
      headHash: head.hash,
      lines: [...sum.lines()],
    },
  };
}

/** Where the chain stands after a seal. */
export const headOf = (seal: Seal | undefined): ChainHead =>
  seal === undefined
    ? CHAIN_START
    : { sequence: seal.firstSequence + seal.receipts - 1, hash: seal.headHash };
