import type { GrantId, HoldId, TenantId } from '#core/shared/ids.ts';
import type { Directory } from '#core/tenants/ports.ts';
import type { Ledger, SweepLog } from './ports.ts';

const TENANTS_A_PAGE = 100;
/** A million tenants; a run that long has met its function's time limit before. */
const MAX_PAGES = 10_000;
/** Accounts swept at a time. */
const CONCURRENCY = 10;

export type SweepDeps = {
  readonly ledger: Pick<Ledger, 'expire'>;
  readonly directory: Pick<Directory, 'listTenants'>;
  readonly sweepLog: SweepLog;
  readonly clock: () => number;
};

/** What one tenant's sweep ended; `failed` leaves its account to the next run. */
export type SweptAccount = { readonly tenantId: TenantId } & (
  | { readonly outcome: 'swept'; readonly holds: readonly HoldId[]; readonly grants: readonly GrantId[] }
  | { readonly outcome: 'failed'; readonly cause: unknown }
);

/**
 * Ends what is past its time in every tenant's account, and notes the run when none failed. Answers the accounts
 * in which something ended or failed. Throws only when the tenants cannot be listed.
 */
export async function sweepAccounts(deps: SweepDeps): Promise<readonly SweptAccount[]> {
  const startedAtMs = deps.clock();
  const reports: SweptAccount[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES; page++) {
    const { tenants, nextCursor } = await deps.directory.listTenants({
      limit: TENANTS_A_PAGE,
      ...(cursor === null ? {} : { cursor }),
    });
    const ids = tenants.map((tenant) => tenant.id);
    for (let from = 0; from < ids.length; from += CONCURRENCY) {
      const group = ids.slice(from, from + CONCURRENCY);
      reports.push(...(await Promise.all(group.map((id) => sweepAccount(deps, id)))));
    }
    cursor = nextCursor;
    if (cursor === null) break;
  }
  if (reports.every((report) => report.outcome === 'swept')) await deps.sweepLog.recordSweep(startedAtMs);
  return reports.filter(
    (report) => report.outcome === 'failed' || report.holds.length + report.grants.length > 0,
  );
}

async function sweepAccount({ ledger, clock }: SweepDeps, tenantId: TenantId): Promise<SweptAccount> {
  try {
    return { tenantId, outcome: 'swept', ...(await ledger.expire(tenantId, clock())) };
  } catch (cause) {
    return { tenantId, outcome: 'failed', cause };
  }
}
