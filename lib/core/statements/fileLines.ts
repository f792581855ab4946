import type { TenantId } from '#core/shared/ids.ts';
import { canonicalJson } from './canonicalJson.ts';
import { entriesOfStretch, linkReceipts } from './foldPeriod.ts';
import { monthOf, type Period } from './periods.ts';
import type { KeptSeal, SealKeys, Sha256Hex, StatementBook } from './ports.ts';
import type { ChainHead } from './receipts.ts';
import { headerLine } from './statementFile.ts';

export type FileLinesDeps = {
  readonly book: Pick<StatementBook, 'sealsOfMonth' | 'entries'>;
  readonly keys: SealKeys;
  readonly sha256: Sha256Hex;
};

/**
 * Where a page of a statement file ended: within which seal, at which receipt, and where that stands in the book.
 * `lastSeal` is the last one in the header: a seal that is added while a file is read belongs to the next file.
 */
export type FileCursor = ChainHead & {
  readonly seal: number;
  readonly lastSeal: number;
  readonly place: string;
};

export type FilePage = { readonly lines: readonly string[]; readonly next: FileCursor | null };

/**
 * A page of a month's statement file: the header, then receipts, each a line without its end. What is written on all
 * pages together is the file. The receipts are made again from the entries; a page reads no more than it gives, but
 * for entries that belong to other seals.
 */
export async function readFilePage(
  deps: FileLinesDeps,
  tenantId: TenantId,
  month: Period,
  page: { readonly limit: number; readonly after?: FileCursor },
): Promise<FilePage> {
  const { after, limit } = page;
  const name = monthOf(month.fromMs);
  const sealed = await deps.book.sealsOfMonth(tenantId, name);
  const lastSeal = after?.lastSeal ?? sealed.at(-1)?.seal.number ?? 0;
  const seals = sealed.filter(({ seal }) => seal.number <= lastSeal);
  const lines = after === undefined ? [await firstLine(deps, tenantId, name, seals)] : [];
  let before = (await deps.book.sealsOfMonth(tenantId, monthOf(month.fromMs - 1))).at(-1);
  let left = limit;
  for (const kept of seals) {
    const isBehind = after !== undefined && kept.seal.number < after.seal;
    if (!isBehind) {
      const resumed = after?.seal === kept.seal.number ? after : undefined;
      for await (const { place, receipt } of receiptsOf(deps, { kept, before, after: resumed })) {
        lines.push(canonicalJson(receipt));
        left -= 1;
        const { sequence, hash } = receipt;
        if (left === 0) return { lines, next: { seal: kept.seal.number, lastSeal, sequence, hash, place } };
      }
    }
    before = kept;
  }
  return { lines, next: null };
}

async function firstLine(
  { keys }: FileLinesDeps,
  tenantId: TenantId,
  month: string,
  kept: readonly KeptSeal[],
): Promise<string> {
  const seals = kept.map(({ seal, keyId, signature }) => ({ seal, keyId, signature }));
  return headerLine({ tenantId, month, keys: await keys.list(), seals });
}

function receiptsOf(
  { book, sha256 }: FileLinesDeps,
  options: {
    readonly kept: KeptSeal;
    readonly before: KeptSeal | undefined;
    readonly after: FileCursor | undefined;
  },
) {
  const { kept, before, after } = options;
  const { seal, lateDays } = kept;
  const stretch = {
    tenantId: seal.tenantId,
    period: { fromMs: Date.parse(seal.from), toMs: Date.parse(seal.to) },
    sealedVersion: before?.seal.accountVersion ?? 0,
    version: seal.accountVersion,
    lateDays,
  };
  const start = after ?? { sequence: seal.firstSequence - 1, hash: seal.previousHash };
  return linkReceipts(entriesOfStretch(book, stretch, after?.place), start, sha256);
}
