import type { ApplyRefused, Ledger } from '#core/ledger/ports.ts';
import { localMonth } from '#core/pricing/localTime.ts';
import { type GrantId, parseId, type TenantId } from '#core/shared/ids.ts';
import { formatCredits, ZERO } from '#core/shared/money.ts';
import type { Clock } from '#core/shared/world.ts';
import type { Directory } from '#core/tenants/ports.ts';
import type { Tenant } from '#core/tenants/types.ts';
import { endOfLocalMonth } from './endOfLocalMonth.ts';

const TENANTS_A_PAGE = 100;
/** A million tenants; a run that long has met its function's time limit before. */
const MAX_PAGES = 10_000;
/** Accounts granted to at a time. */
const CONCURRENCY = 10;
const ACTOR = 'free_tier';

export type FreeCreditsDeps = {
  readonly directory: Pick<Directory, 'listTenants'>;
  readonly ledger: Pick<Ledger, 'grant' | 'readAccount' | 'readGrant'>;
  readonly clock: Clock;
};

export type FreeCreditsReport = {
  readonly granted: readonly {
    readonly tenantId: TenantId;
    readonly month: string;
    readonly credits: string;
  }[];
  readonly failed: readonly { readonly tenantId: TenantId; readonly cause: unknown }[];
};

/**
 * Gives every tenant that has free credits those of its month, by its own calendar. A month is granted once, whatever
 * repeats or comes late; what is left of it expires when the tenant's next month begins. Throws only when the tenants
 * cannot be listed.
 */
export async function grantFreeCredits(deps: FreeCreditsDeps): Promise<FreeCreditsReport> {
  const granted: FreeCreditsReport['granted'][number][] = [];
  const failed: FreeCreditsReport['failed'][number][] = [];
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { tenants, nextCursor } = await deps.directory.listTenants({
      limit: TENANTS_A_PAGE,
      ...(cursor === null ? {} : { cursor }),
    });
    const due = tenants.filter(isGiven);
    for (let from = 0; from < due.length; from += CONCURRENCY) {
      const group = due.slice(from, from + CONCURRENCY);
      const months = await Promise.allSettled(group.map((tenant) => grantMonth(deps, tenant)));
      for (const [index, tenant] of group.entries()) {
        const month = months[index];
        if (month?.status === 'rejected') failed.push({ tenantId: tenant.id, cause: month.reason });
        if (month?.status !== 'fulfilled' || month.value === undefined) continue;
        const credits = formatCredits(tenant.freeMonthlyMicro);
        granted.push({ tenantId: tenant.id, month: month.value, credits });
      }
    }
    cursor = nextCursor;
    if (cursor === null) break;
  }
  return { granted, failed };
}

type Given = Tenant & { readonly freeMonthlyMicro: NonNullable<Tenant['freeMonthlyMicro']> };

/** A suspended tenant gets none; when it returns within the month, it gets that month's. */
const isGiven = (tenant: Tenant): tenant is Given =>
  tenant.status === 'active' && (tenant.freeMonthlyMicro ?? ZERO) > 0;

/** The month that was granted now; undefined when it was granted before. */
async function grantMonth({ ledger, clock }: FreeCreditsDeps, tenant: Given): Promise<string | undefined> {
  const nowMs = clock();
  const timeZone = tenant.timeZone ?? 'UTC';
  const month = localMonth(timeZone, nowMs);
  const grantId = freeGrantId(month);
  // Nearly always the answer, and a read is cheaper than a write that is refused.
  const account = await ledger.readAccount(tenant.id);
  if (account?.grants[grantId] !== undefined) return undefined;
  // Moved to a zone further west it is last month's again there: who has had a month gets none before it.
  if ((await ledger.readGrant(tenant.id, freeGrantId(monthAfter(month)))) !== undefined) return undefined;
  const grant = await ledger.grant({
    tenantId: tenant.id,
    grantId,
    kind: 'free',
    amountMicro: tenant.freeMonthlyMicro,
    expiresAtMs: endOfLocalMonth(timeZone, month),
    source: { kind: 'free_tier', id: month },
    reason: `free credits of ${month}`,
    actor: ACTOR,
    nowMs,
  });
  if (grant.ok) return grant.value.outcome === 'applied' ? month : undefined;
  if (isGrantedAlready(grant.error)) return undefined;
  throw new Error(`the ledger refused the free credits of ${month}: ${grant.error.code}`);
}

/** The month was granted with another amount, before the agency changed it: the new one begins next month. */
const isGrantedAlready = ({ code }: ApplyRefused): boolean => code === 'idempotency_conflict';

/** `2026-12` → `2027-01`. */
function monthAfter(month: string): string {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return new Date(Date.UTC(year, number, 1)).toISOString().slice(0, 7); // months count from 0 there
}

/** One month has one grant, always of the same id: `gra_free-2026-11`. */
function freeGrantId(month: string): GrantId {
  const id = parseId<GrantId>('grant', `gra_free-${month}`);
  if (id === undefined) throw new Error(`not a month: ${month}`);
  return id;
}
