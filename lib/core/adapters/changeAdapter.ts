import type { AdapterId, TenantId } from '#core/shared/ids.ts';
import type { AuditRecord } from '#core/tenants/ports.ts';
import type { AdapterDesk } from './ports.ts';
import type { Adapter } from './types.ts';

export type AdapterRef = { readonly tenantId: TenantId; readonly adapterId: AdapterId };

/** Tries of one change against others that change the same adapter. */
const MAX_TRIES = 10;

/**
 * Changes an adapter by what `decide` says of its newest state; undefined leaves it as it is. `decide` may be asked
 * again when somebody else was faster. The adapter as it is afterwards; undefined when there is none.
 */
export async function changeAdapter(
  { adapters }: Pick<AdapterDesk, 'adapters'>,
  { tenantId, adapterId }: AdapterRef,
  decide: (adapter: Adapter) => Adapter | undefined | Promise<Adapter | undefined>,
  audit?: (adapter: Adapter) => AuditRecord,
): Promise<Adapter | undefined> {
  for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
    const before = await adapters.read(tenantId, adapterId);
    const after = before === undefined ? undefined : await decide(before);
    if (before === undefined || after === undefined) return before;
    if (await adapters.change(before, after, audit?.(after))) return after;
  }
  throw new Error(`the adapter ${adapterId} changed under ${MAX_TRIES} attempts to change it`);
}
