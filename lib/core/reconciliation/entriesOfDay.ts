import type { EntryQuery, Ledger } from '#core/ledger/ports.ts';
import type { Entry } from '#core/ledger/types.ts';
import type { TenantId } from '#core/shared/ids.ts';

const A_PAGE = 100;
/** A million entries of one day; a run that long has met its function's time limit before. */
const MAX_PAGES = 10_000;

/** A tenant's entries of one day of UTC and one kind, page by page. */
export async function* entriesOfDay(
  ledger: Pick<Ledger, 'listEntries'>,
  tenantId: TenantId,
  of: Pick<EntryQuery, 'kind' | 'source'> & { readonly day: string },
): AsyncGenerator<Entry> {
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const listed = await ledger.listEntries(tenantId, {
      ...of,
      limit: A_PAGE,
      ...(cursor === null ? {} : { cursor }),
    });
    if (!listed.ok) throw new Error(`the book of ${tenantId} cannot be listed: ${listed.error.code}`);
    yield* listed.value.entries;
    cursor = listed.value.nextCursor;
    if (cursor === null) return;
  }
}

/** The credits that a tenant's book took back on a day, by source: `refund/<id>`, `dispute/<id>`. */
export async function takenBackOn(
  ledger: Pick<Ledger, 'listEntries'>,
  tenantId: TenantId,
  day: string,
): Promise<ReadonlyMap<string, number>> {
  const taken = new Map<string, number>();
  for await (const { source, amountMicro } of entriesOfDay(ledger, tenantId, { day, kind: 'refund' })) {
    if (source.kind !== 'refund' && source.kind !== 'dispute') continue;
    const name = `${source.kind}/${source.id}`;
    taken.set(name, (taken.get(name) ?? 0) - amountMicro);
  }
  return taken;
}
