import type { UsageBook } from '#core/ledger/ports.ts';
import { addDays } from '#core/metering/periods.ts';
import type { JobCosts, ReconciliationStore } from '#core/reconciliation/ports.ts';
import type { TenantId } from '#core/shared/ids.ts';
import type { PlanCatalogue } from '#core/subscriptions/plan.ts';
import type { RecurringChange, SubscriptionStore } from '#core/subscriptions/ports.ts';
import type { Directory } from '#core/tenants/ports.ts';
import type { Tenant } from '#core/tenants/types.ts';
import { type ClientMonth, type ModelUsage, rank } from './clientMonth.ts';
import { type PackRevenueDeps, packRevenue } from './packRevenue.ts';
import { type Movements, movementsBetween, type Recurring, recurringAt } from './recurring.ts';
import { type EndpointCost, endpointCosts, type SharedServing, shareServing } from './shareServing.ts';

export type AnalyseDeps = {
  readonly directory: Pick<Directory, 'listTenants'>;
  readonly ledger: Pick<UsageBook, 'listRollups'>;
  readonly subscriptions: Pick<SubscriptionStore, 'recurringOf'>;
  readonly catalogue: Pick<PlanCatalogue, 'currency'>;
  readonly billing: PackRevenueDeps;
  readonly jobCosts: JobCosts;
  readonly awsCosts: Pick<ReconciliationStore, 'readCosts'>;
  /** Our endpoints as AWS names them, the shared one first. */
  readonly endpointNames: readonly [string, ...string[]];
};

export type Analytics = {
  readonly month: string;
  readonly currency: string;
  readonly movements: Movements;
  readonly payingTenants: number;
  /** Recurring revenue by paying tenant, in minor units, rounded down; null: nobody pays. */
  readonly arpuMinor: number | null;
  /** By what the clients are in order, the best first. */
  readonly rankedBy: 'margin' | 'revenue';
  readonly clients: readonly ClientMonth[];
  readonly models: readonly ModelUsage[];
  /** Where the cost of serving is from: the request, AWS's bill, or null: it is not known. */
  readonly servingSource: 'given' | 'aws' | null;
  /** What endpoints cost that nobody used, in minor units. */
  readonly unsharedMinor: number | null;
  /** False when there are more tenants or payments than one look may read. */
  readonly isComplete: boolean;
};

type Wanted = {
  readonly month: string;
  readonly nowMs: number;
  /** What serving cost in the month, to be shared; undefined: AWS's bill says it, where it was imported. */
  readonly servingMinor: number | undefined;
};

const A_PAGE = 100;
/** What one request has the time for. */
const MAX_TENANTS = 1_000;
const CONCURRENCY = 10;
const MICRO_PER_MINOR = 10_000;
/** What AWS bills in. */
const COST_CURRENCY = 'USD';

/** One month of the whole book: revenue and its movements, what each client and model used, and what is left. */
export async function analyse(deps: AnalyseDeps, { month, nowMs, servingMinor }: Wanted): Promise<Analytics> {
  const startMs = Date.parse(`${month}-01T00:00:00Z`);
  const range = { fromMs: startMs, toMs: Date.parse(`${monthAfter(month)}-01T00:00:00Z`) };
  const [listed, packs, training] = await Promise.all([
    allTenants(deps),
    packRevenue(deps.billing, range),
    trainingCosts(deps, month),
  ]);
  const seen = await inGroups(listed.tenants, (tenant) => lookAt(deps, tenant, month));
  const serving = await servingCosts(deps, { month, servingMinor, seen });
  const clients = seen.map(({ tenant: { id, name }, models, computeMs, changes }) => ({
    tenantId: id,
    name,
    recurringMinor: recurringAt(changes, Math.min(nowMs, range.toMs - 1)),
    packsMinor: packs.minorOf.get(id) ?? 0,
    usedMicro: models.reduce((sum, { costMicro }) => sum + costMicro, 0),
    calls: models.reduce((sum, { calls }) => sum + calls, 0),
    computeMs,
    models,
    trainingMinor: training === null ? null : toMinor(training.get(id) ?? 0),
    servingMinor: serving.shared === null ? null : toMinor(serving.shared.microUsdOf.get(id) ?? 0),
  }));
  const movements = movementsOf(seen, clients, startMs);
  const payingTenants = clients.filter(({ recurringMinor }) => recurringMinor > 0).length;
  const ranked = rank(clients);
  return {
    month,
    currency: deps.catalogue.currency,
    movements,
    payingTenants,
    arpuMinor: payingTenants === 0 ? null : Math.floor(movements.toMinor / payingTenants),
    rankedBy: ranked.by,
    clients: ranked.clients,
    models: sumByModel(clients.flatMap(({ models }) => models)),
    servingSource: serving.source,
    unsharedMinor: serving.shared === null ? null : toMinor(serving.shared.unsharedMicroUsd),
    isComplete: listed.isComplete && packs.isComplete,
  };
}

const toMinor = (microUsd: number): number => Math.round(microUsd / MICRO_PER_MINOR);

type Seen = {
  readonly tenant: Tenant;
  readonly models: readonly ModelUsage[];
  readonly computeMs: number;
  readonly changes: readonly RecurringChange[];
};

async function lookAt(deps: AnalyseDeps, tenant: Tenant, month: string): Promise<Seen> {
  const lastDay = addDays(`${monthAfter(month)}-01`, -1);
  const [rollups, changes] = await Promise.all([
    deps.ledger.listRollups(tenant.id, `${month}-01`, lastDay),
    deps.subscriptions.recurringOf(tenant.id),
  ]);
  const computeMs = rollups.reduce((sum, rollup) => sum + rollup.computeMs, 0);
  return { tenant, models: sumByModel(rollups), computeMs, changes };
}

function movementsOf(seen: readonly Seen[], clients: readonly ClientMonth[], startMs: number): Movements {
  const before: Recurring = Object.fromEntries(
    seen.map(({ tenant, changes }) => [tenant.id, recurringAt(changes, startMs - 1)]),
  );
  const after: Recurring = Object.fromEntries(
    clients.map(({ tenantId, recurringMinor }) => [tenantId, recurringMinor]),
  );
  const paidBefore = seen.filter(({ changes }) =>
    changes.some(({ minor, sinceMs }) => minor > 0 && sinceMs < startMs),
  );
  return movementsBetween(before, after, new Set(paidBefore.map(({ tenant }) => tenant.id)));
}

/** Null: what AWS bills cannot be held against money of another currency. */
async function trainingCosts(
  { catalogue, jobCosts }: AnalyseDeps,
  month: string,
): Promise<ReadonlyMap<TenantId, number> | null> {
  if (catalogue.currency !== COST_CURRENCY) return null;
  const costs = new Map<TenantId, number>();
  for (const { tenantId, microUsd } of await jobCosts.ofMonth(month))
    costs.set(tenantId, (costs.get(tenantId) ?? 0) + microUsd);
  return costs;
}

async function servingCosts(
  { catalogue, awsCosts, endpointNames }: AnalyseDeps,
  { month, servingMinor, seen }: Pick<Wanted, 'month' | 'servingMinor'> & { readonly seen: readonly Seen[] },
): Promise<{ readonly source: Analytics['servingSource']; readonly shared: SharedServing | null }> {
  const share = (costs: readonly EndpointCost[], isGiven: boolean) =>
    shareServing(
      // What is given is for all endpoints together.
      seen.map(({ tenant: { id, endpoint }, computeMs }) => ({
        id,
        endpoint: isGiven ? undefined : endpoint,
        computeMs,
      })),
      costs,
    );
  if (servingMinor !== undefined) {
    const given = [{ name: null, microUsd: servingMinor * MICRO_PER_MINOR }];
    return { source: 'given', shared: share(given, true) };
  }
  const bill = catalogue.currency === COST_CURRENCY ? await awsCosts.readCosts(month) : undefined;
  if (bill === undefined) return { source: null, shared: null };
  return { source: 'aws', shared: share(endpointCosts(bill, endpointNames), false) };
}

async function allTenants({ directory }: Pick<AnalyseDeps, 'directory'>) {
  const tenants: Tenant[] = [];
  let cursor: string | null = null;
  while (tenants.length < MAX_TENANTS) {
    const page = await directory.listTenants({ limit: A_PAGE, ...(cursor === null ? {} : { cursor }) });
    tenants.push(...page.tenants);
    cursor = page.nextCursor;
    if (cursor === null) return { tenants, isComplete: true };
  }
  return { tenants, isComplete: false };
}

async function inGroups<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += CONCURRENCY) {
    results.push(...(await Promise.all(items.slice(from, from + CONCURRENCY).map(work))));
  }
  return results;
}

function sumByModel(usage: readonly ModelUsage[]): readonly ModelUsage[] {
  const byModel = Map.groupBy(usage, ({ model }) => model);
  return [...byModel]
    .map(([model, all]) => ({
      model,
      calls: all.reduce((sum, { calls }) => sum + calls, 0),
      costMicro: all.reduce((sum, { costMicro }) => sum + costMicro, 0),
    }))
    .sort((a, b) => b.costMicro - a.costMicro || (a.model < b.model ? -1 : 1));
}

const monthAfter = (month: string): string => addDays(`${month}-28`, 4).slice(0, 7);
