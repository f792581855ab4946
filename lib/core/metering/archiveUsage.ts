import type { ArchiveDue, UsageBook } from '#core/ledger/ports.ts';
import type { TenantId } from '#core/shared/ids.ts';
import type { Directory } from '#core/tenants/ports.ts';
import { archiveKey, archiveLine } from './archiveLine.ts';
import type { UsageArchive } from './ports.ts';

export type ArchiveUsageDeps = {
  readonly book: Pick<UsageBook, 'archiveDue' | 'entriesOfHour' | 'clearArchiveDue'>;
  readonly archive: UsageArchive;
  readonly directory: Pick<Directory, 'listTenants'>;
};

const TENANTS_A_PAGE = 100;
/** A million tenants; a run that long has met its function's time limit before. */
const MAX_PAGES = 10_000;
/** Each holds up to two parts of an upload in memory. */
const TENANTS_AT_ONCE = 8;

/**
 * What became of an hour. `archived`: its object holds everything that was settled into it. `due_again`: usage came
 * in, or another run was at work on it, while it was written; it stays due. `failed`: it stays due, for `cause`;
 * `hour` is null when the tenant's hours could not be read.
 */
export type ArchivedHour = { readonly tenantId: TenantId; readonly hour: string | null } & (
  | { readonly outcome: 'archived' | 'due_again' }
  | { readonly outcome: 'failed'; readonly cause: unknown }
);

/**
 * Brings the archive up to date: writes the object of every tenant's hour that is due, whole, from the account
 * book. What fails for one hour or tenant leaves the others alone. Throws only when the tenants cannot be listed.
 * A run that is cut short is carried on by the next one, since hours that are archived are due no more.
 */
export async function archiveUsage(deps: ArchiveUsageDeps): Promise<readonly ArchivedHour[]> {
  const archived: ArchivedHour[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { tenants, nextCursor } = await deps.directory.listTenants({
      limit: TENANTS_A_PAGE,
      ...(cursor === null ? {} : { cursor }),
    });
    for (let from = 0; from < tenants.length; from += TENANTS_AT_ONCE) {
      const group = tenants.slice(from, from + TENANTS_AT_ONCE);
      archived.push(...(await Promise.all(group.map(({ id }) => archiveTenant(deps, id)))).flat());
    }
    cursor = nextCursor;
    if (cursor === null) break;
  }
  return archived;
}

async function archiveTenant(deps: ArchiveUsageDeps, tenantId: TenantId): Promise<readonly ArchivedHour[]> {
  const archived: ArchivedHour[] = [];
  try {
    for (const due of await deps.book.archiveDue(tenantId)) {
      archived.push(await tryToArchive(deps, tenantId, due));
    }
  } catch (cause) {
    archived.push({ tenantId, hour: null, outcome: 'failed', cause });
  }
  return archived;
}

async function tryToArchive(
  deps: ArchiveUsageDeps,
  tenantId: TenantId,
  due: ArchiveDue,
): Promise<ArchivedHour> {
  const { hour } = due;
  try {
    return { tenantId, hour, outcome: await archiveHour(deps, tenantId, due) };
  } catch (cause) {
    return { tenantId, hour, outcome: 'failed', cause };
  }
}

/**
 * The object's version is read before its entries, and the object replaced only if it is still that version: of two
 * runs at once the one with fewer entries can therefore never overwrite the other.
 */
async function archiveHour(
  { book, archive }: ArchiveUsageDeps,
  tenantId: TenantId,
  due: ArchiveDue,
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
