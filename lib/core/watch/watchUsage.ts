import type { Ledger, UsageBook } from '#core/ledger/ports.ts';
import { dayOf, hourOf } from '#core/ledger/rollup.ts';
import type { NoticeQueue } from '#core/notices/ports.ts';
import type { TenantId } from '#core/shared/ids.ts';
import type { Clock } from '#core/shared/world.ts';
import type { Directory } from '#core/tenants/ports.ts';
import type { Tenant } from '#core/tenants/types.ts';
import { findUnusual } from './findUnusual.ts';
import type { UsageWatch } from './ports.ts';
import type { Finding } from './types.ts';
import { watchRulesOf } from './watchRules.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** What is usual: the busiest of these days, and of the last day's hours. */
const HISTORY_DAYS = 14;

const TENANTS_A_PAGE = 100;
/** A million tenants; a run that long has met its function's time limit before. */
const MAX_PAGES = 10_000;
/** Tenants looked at at a time. */
const CONCURRENCY = 10;

export type WatchDeps = {
  readonly watch: UsageWatch;
  readonly ledger: Pick<Ledger, 'readAccount' | 'slowKey'> & Pick<UsageBook, 'listRollups'>;
  readonly directory: Pick<Directory, 'listTenants'>;
  readonly notices: NoticeQueue;
  readonly clock: Clock;
};

/** What was found of a tenant and told for the first time today; `failed` leaves it to the next run. */
export type Watched = { readonly tenantId: TenantId } & (
  | { readonly outcome: 'found'; readonly finding: Finding; readonly slowedUntilMs: number | null }
  | { readonly outcome: 'failed'; readonly cause: unknown }
);

/**
 * Looks at this hour and the one before of every tenant. What is unusual is told once a day to the agency and the
 * client, and slows the key where the tenant chose so. Throws only when the tenants cannot be listed.
 */
export async function watchUsage(deps: WatchDeps): Promise<readonly Watched[]> {
  const watched: Watched[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES; page++) {
    const { tenants, nextCursor } = await deps.directory.listTenants({
      limit: TENANTS_A_PAGE,
      ...(cursor === null ? {} : { cursor }),
    });
    for (let from = 0; from < tenants.length; from += CONCURRENCY) {
      const group = tenants.slice(from, from + CONCURRENCY);
      watched.push(...(await Promise.all(group.map((tenant) => watchTenant(deps, tenant)))).flat());
    }
    cursor = nextCursor;
    if (cursor === null) break;
  }
  return watched;
}

async function watchTenant(deps: WatchDeps, tenant: Tenant): Promise<readonly Watched[]> {
  const tenantId = tenant.id;
  try {
    const found: Watched[] = [];
    for (const finding of await findingsOf(deps, tenant)) {
      const told = await tell(deps, tenantId, finding);
      if (told !== undefined) found.push({ tenantId, outcome: 'found', finding, slowedUntilMs: told });
    }
    return found;
  } catch (cause) {
    return [{ tenantId, outcome: 'failed', cause }];
  }
}

async function findingsOf(
  { watch, ledger, clock }: WatchDeps,
  { id: tenantId, watch: settings }: Tenant,
): Promise<readonly Finding[]> {
  const nowMs = clock();
  const [before, hour] = [hourOf(nowMs - HOUR_MS), hourOf(nowMs)];
  const hours = await watch.read(tenantId, hourOf(nowMs - DAY_MS), hour);
  // Most tenants do nothing most of the time, and then this one query is all that they cost.
  if (!hours.some((one) => one.hour >= before)) return [];
  const today = dayOf(nowMs);
  const rollups = await ledger.listRollups(tenantId, dayOf(nowMs - HISTORY_DAYS * DAY_MS), today);
  const rules = watchRulesOf(settings);
  const findings = [before, hour].flatMap((at) => findUnusual({ hour: at, hours, today, rollups, rules }));
  return [...new Map(findings.map((finding) => [`${finding.kind}/${finding.keyId}`, finding])).values()];
}

/**
 * Tells of a finding, once a day. Notices come first and are safe to repeat: a crash after them repeats them under
 * the same ids. Answers until when the key is slowed, or null; undefined when it was told before.
 */
async function tell(
  { watch, ledger, notices, clock }: WatchDeps,
  tenantId: TenantId,
  finding: Finding,
): Promise<number | null | undefined> {
  const nowMs = clock();
  const day = dayOf(nowMs);
  if (await watch.isTold(tenantId, day, finding)) return undefined;
  const { kind, keyId, seen, usual } = finding;
  const onUnusual = (await ledger.readAccount(tenantId))?.limits?.onUnusual;
  const slow =
    onUnusual === undefined
      ? undefined
      : { max: onUnusual.requests, untilMs: nowMs + onUnusual.minutes * 60_000 };
  const slowed = slow !== undefined && (await ledger.slowKey(tenantId, { keyId, slow })).ok;
  const slowedUntilMs = slowed ? slow.untilMs : null;
  for (const to of ['agency', 'client'] as const) {
    await notices.add({
      id: `unusual_use/${tenantId}/${keyId}/${kind}/${day}/${to}`,
      to,
      tenantId,
      content: { kind: 'unusual_use', finding: kind, keyId, seen, usual, slowedUntilMs },
      createdAtMs: nowMs,
    });
  }
  await watch.markTold(tenantId, day, finding);
  return slowedUntilMs;
}
