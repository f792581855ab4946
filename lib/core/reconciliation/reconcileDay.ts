import type { BillingStore, PaymentProvider, PaymentQueue } from '#core/billing/ports.ts';
import type { Ledger, UsageBook } from '#core/ledger/ports.ts';
import { addDays } from '#core/metering/periods.ts';
import type { HoldId, TenantId } from '#core/shared/ids.ts';
import type { Clock } from '#core/shared/world.ts';
import type { LateUsageList, OverageOutbox } from '#core/subscriptions/overagePorts.ts';
import type { Directory } from '#core/tenants/ports.ts';
import { type Compared, compareAmounts, sideOf } from './compareAmounts.ts';
import { compareCosts } from './compareCosts.ts';
import { comparePayments } from './comparePayments.ts';
import { compareUsage } from './compareUsage.ts';
import type { ArchiveReader, JobCosts, LostCalls, MeteredAtProvider, ReconciliationStore } from './ports.ts';
import type { Pair, Reconciliation } from './types.ts';

export type ReconcileDeps = {
  readonly directory: Pick<Directory, 'listTenants'>;
  readonly ledger: Pick<Ledger, 'listEntries'> & Pick<UsageBook, 'archiveDue' | 'entriesOfHour'>;
  readonly archive: ArchiveReader;
  readonly lostCalls: Pick<LostCalls, 'ofDay'>;
  readonly provider: Pick<PaymentProvider, 'listRecent'>;
  readonly billing: Pick<BillingStore, 'readPayment'>;
  readonly queue: PaymentQueue;
  readonly meteredAtDodo: MeteredAtProvider;
  readonly outbox: Pick<OverageOutbox, 'pending'>;
  readonly lateUsage: Pick<LateUsageList, 'list'>;
  readonly jobs: JobCosts;
  readonly store: Pick<ReconciliationStore, 'save' | 'readCosts'>;
  readonly clock: Clock;
};

const A_PAGE = 100;
/** A million tenants; a run that long has met its function's time limit before. */
const MAX_PAGES = 10_000;
const MAX_OUTBOX = 10_000;
const MAX_LATE_PAGES = 100;
/** What a report keeps; an item ends at 400 KB. */
const MAX_DIFFERENCES = 500;

type Found = { readonly compared: Compared[]; readonly unread: { pair: Pair; why: string }[] };

/**
 * Holds the books of one day of UTC against each other: gateway, ledger, Dodo and AWS. Every difference has a cause
 * or is unknown; a payment whose webhook never came is queued. What cannot be read is said, and leaves the rest.
 */
export async function reconcileDay(deps: ReconcileDeps, day: string): Promise<Reconciliation> {
  const ranAtMs = deps.clock();
  const found: Found = { compared: [], unread: [] };
  const overage: (readonly [string, number])[] = [];
  const granted = new Map<string, { readonly tenantId: TenantId; readonly amountMicro: number }>();
  const lost = Map.groupBy(await deps.lostCalls.ofDay(day), ({ tenantId }) => tenantId);

  for await (const tenantId of tenantsOf(deps)) {
    const holds: readonly HoldId[] = (lost.get(tenantId) ?? []).map(({ holdId }) => holdId);
    const usage = await compareUsage(deps, { tenantId, day, lost: holds });
    found.compared.push(usage);
    overage.push(...usage.overage);
    for await (const [id, amountMicro] of grantsOf(deps, tenantId, day)) {
      granted.set(id, { tenantId, amountMicro });
    }
  }
  await attempt(found, 'ledger_payments', () => payments(deps, day, granted));
  await attempt(found, 'ledger_usage', () => meteredUsage(deps, day, overage));
  await attempt(found, 'jobs_aws', async () => {
    const month = day.slice(0, 7);
    const costs = await deps.store.readCosts(month);
    return (
      compareCosts(await deps.jobs.ofMonth(month), costs, ranAtMs) ?? `no AWS costs of ${month} were imported`
    );
  });

  const report = summed(found, day, ranAtMs);
  await deps.store.save(report);
  return report;
}

async function* tenantsOf({ directory }: ReconcileDeps): AsyncGenerator<TenantId> {
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { tenants, nextCursor } = await directory.listTenants({
      limit: A_PAGE,
      ...(cursor === null ? {} : { cursor }),
    });
    for (const { id } of tenants) yield id;
    cursor = nextCursor;
    if (cursor === null) return;
  }
}

async function* grantsOf(
  { ledger }: ReconcileDeps,
  tenantId: TenantId,
  day: string,
): AsyncGenerator<readonly [string, number]> {
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const listed = await ledger.listEntries(tenantId, {
      day,
      kind: 'grant',
      source: 'payment',
      limit: A_PAGE,
      ...(cursor === null ? {} : { cursor }),
    });
    if (!listed.ok) throw new Error(`the book of ${tenantId} cannot be listed: ${listed.error.code}`);
    for (const { source, amountMicro } of listed.value.entries) yield [source.id, amountMicro];
    cursor = listed.value.nextCursor;
    if (cursor === null) return;
  }
}

async function payments(
  deps: ReconcileDeps,
  day: string,
  granted: Parameters<typeof comparePayments>[1]['granted'],
): Promise<Compared | string> {
  const [fromMs, toMs] = boundsOf(day);
  const listed = await deps.provider.listRecent({ paymentsSinceMs: fromMs, disputesSinceMs: deps.clock() });
  if (!listed.ok) return listed.error.detail;
  if (!listed.value.isComplete) return 'Dodo lists more payments than one run may read';
  const atDodo = listed.value.payments.filter(
    ({ createdAtMs }) => createdAtMs >= fromMs && createdAtMs < toMs,
  );
  return comparePayments(deps, { atDodo, granted });
}

/** Overage that the ledger charged against Dodo's meter. */
async function meteredUsage(
  deps: ReconcileDeps,
  day: string,
  overage: readonly (readonly [string, number])[],
): Promise<Compared | string> {
  const [fromMs, toMs] = boundsOf(day);
  const metered = await deps.meteredAtDodo({ fromMs, toMs });
  if (!metered.ok) return metered.error.detail;
  if (!metered.value.isComplete) return 'Dodo lists more usage than one run may read';
  const waiting = new Set<string>((await deps.outbox.pending(MAX_OUTBOX)).map(({ id }) => id));
  const late = await lateIds(deps);
  const right = sideOf(metered.value.events.map(({ id, amountMicro }) => [id, amountMicro] as const));
  return compareAmounts('ledger_usage', { left: sideOf(overage), right, tenantId: null }, (id) => {
    if (right.has(id)) return undefined;
    if (waiting.has(id)) return { cause: 'waiting_in_outbox', note: 'on its way to the meter' };
    return late.has(id) ? { cause: 'late_usage', note: 'in the list of late usage' } : undefined;
  });
}

async function lateIds({ lateUsage }: ReconcileDeps): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  let cursor: string | null = null;
  for (let page = 0; page < MAX_LATE_PAGES; page += 1) {
    const { uses, nextCursor } = await lateUsage.list({
      limit: A_PAGE,
      ...(cursor === null ? {} : { cursor }),
    });
    for (const { id } of uses) ids.add(id);
    cursor = nextCursor;
    if (cursor === null) break;
  }
  return ids;
}

async function attempt(found: Found, pair: Pair, compare: () => Promise<Compared | string>): Promise<void> {
  const compared = await compare();
  if (typeof compared === 'string') found.unread.push({ pair, why: compared });
  else found.compared.push(compared);
}

function summed({ compared, unread }: Found, day: string, ranAtMs: number): Reconciliation {
  const differences = compared.flatMap((one) => one.differences);
  const byPair = Map.groupBy(
    compared.map(({ totals }) => totals),
    ({ pair }) => pair,
  );
  return {
    day,
    ranAtMs,
    totals: [...byPair].map(([pair, all]) => ({
      pair,
      leftMicro: all.reduce((sum, { leftMicro }) => sum + leftMicro, 0),
      rightMicro: all.reduce((sum, { rightMicro }) => sum + rightMicro, 0),
      compared: all.reduce((sum, one) => sum + one.compared, 0),
    })),
    // What nobody can explain comes first.
    differences: differences
      .toSorted((a, b) => Number(b.cause === 'unknown') - Number(a.cause === 'unknown'))
      .slice(0, MAX_DIFFERENCES),
    differenceCount: differences.length,
    unknownCount: differences.filter(({ cause }) => cause === 'unknown').length,
    unread,
  };
}

const boundsOf = (day: string): readonly [number, number] => [
  Date.parse(`${day}T00:00:00Z`),
  Date.parse(`${addDays(day, 1)}T00:00:00Z`),
];
