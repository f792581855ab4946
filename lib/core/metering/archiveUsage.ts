import type { UsageBook } from '#core/ledger/ports.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { archiveKey, archiveLine } from './archiveLine.ts';
import type { UsageArchive } from './ports.ts';

export type ArchiveUsageDeps = {
  readonly book: Pick<UsageBook, 'archiveDue' | 'entriesOfHour' | 'clearArchiveDue'>;
  readonly archive: UsageArchive;
};

/**
 * What became of an hour. `archived`: its object holds everything that was settled into it. `due_again`: usage came
 * in, or another run was at work on it, while it was written; it stays due. `failed`: it stays due, for `cause`.
 */
export type ArchivedHour = { readonly tenantId: TenantId; readonly hour: string } & (
  | { readonly outcome: 'archived' | 'due_again' }
  | { readonly outcome: 'failed'; readonly cause: unknown }
);

/**
 * Writes the archive object of every hour of a tenant that is due, whole, from the account book. An hour that
 * fails leaves the others alone. Throws only when the tenant's hours cannot be read.
 */
export async function archiveUsage(
  deps: ArchiveUsageDeps,
  tenantId: TenantId,
): Promise<readonly ArchivedHour[]> {
  const archived: ArchivedHour[] = [];
  for (const due of await deps.book.archiveDue(tenantId)) {
    try {
      archived.push({ tenantId, hour: due.hour, outcome: await archiveHour(deps, tenantId, due) });
    } catch (cause) {
      archived.push({ tenantId, hour: due.hour, outcome: 'failed', cause });
    }
  }
  return archived;
}

/**
 * The object's version is read before its entries, and the object replaced only if it is still that version: of two
 * runs at once the one with fewer entries can therefore never overwrite the other.
 */
async function archiveHour(
  { book, archive }: ArchiveUsageDeps,
  tenantId: TenantId,
  due: { readonly hour: string; readonly version: number },
): Promise<'archived' | 'due_again'> {
  const key = archiveKey(tenantId, due.hour);
  const version = await archive.version(key);
  const written = await archive.replace(key, linesOf(book, tenantId, due.hour), version);
  if (written === 'changed_meanwhile') return 'due_again';
  return (await book.clearArchiveDue(tenantId, due)) ? 'archived' : 'due_again';
}

async function* linesOf(
  book: ArchiveUsageDeps['book'],
  tenantId: TenantId,
  hour: string,
): AsyncGenerator<string> {
  for await (const entry of book.entriesOfHour(tenantId, hour)) yield archiveLine(entry);
}
