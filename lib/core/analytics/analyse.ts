import type { Ledger, UsageBook } from '#core/ledger/ports.ts';
import { addDays } from '#core/metering/periods.ts';
import type { TenantId } from '#core/shared/ids.ts';
import type { PlanCatalogue } from '#core/subscriptions/plan.ts';
import type { SubscriptionStore } from '#core/subscriptions/ports.ts';
import type { Directory } from '#core/tenants/ports.ts';
import { type Movements, monthlyMinor, movementsBetween, type Recurring } from './recurring.ts';

/** What the tenants brought a month, as it stood when the month was last looked at. */
export type RecurringSnapshots = {
  readonly save: (month: string, recurring: Recurring) => Promise<void>;
  readonly read: (month: string) => Promise<Recurring | undefined>;
};

export type AnalyseDeps = {
  readonly directory: Pick<Directory, 'listTenants'>;
  readonly ledger: Pick<Ledger, 'listEntries'> & Pick<UsageBook, 'listRollups'>;
  readonly subscriptions: Pick<SubscriptionStore, 'subscriptionOf'>;
  readonly catalogue: PlanCatalogue;
  readonly snapshots: RecurringSnapshots;
};

export type ModelUsage = { readonly model: string; readonly calls: number; readonly costMicro: number };

/** One client in one month. */
export type ClientMonth = {
  readonly tenantId: TenantId;
  readonly name: string;
  readonly recurringMinor: number;
  /** Credits bought in the month, in µcr. */
  readonly boughtMicro: number;
  readonly usedMicro: number;
  readonly calls: number;
  readonly models: readonly ModelUsage[];
};

export type Analytics = {
  readonly month: string;
  readonly currency: string;
  readonly movements: Movements;
  readonly payingTenants: number;
  /** Recurring revenue by paying tenant, in minor units, rounded down; null: nobody pays. */
  readonly arpuMinor: number | null;
  /** In the order of what they bring, the best first. */
  readonly clients: readonly ClientMonth[];
  readonly models: readonly ModelUsage[];
  /** False when there are more tenants than one look may read. */
  readonly isComplete: boolean;
};

const A_PAGE = 100;
/** What one request has the time for. */
const MAX_TENANTS = 1_000;
const CONCURRENCY = 10;
const MAX_ENTRY_PAGES = 100;
/** A credit is worth a major unit of money: so many millionths are a minor one. */
const MICRO_PER_MINOR = 10_000;

/** What each tenant brings a month now; kept as the month's snapshot, so that the next month can be compared with it. */
export async function snapshotRecurring(
  deps: Pick<AnalyseDeps, 'directory' | 'subscriptions' | 'catalogue' | 'snapshots'>,
  month: string,
): Promise<Recurring> {
  const recurring: Record<string, number> = {};
  const { tenants } = await allTenants(deps);
  await inGroups(tenants, async ({ id }) => {
    const minor = monthlyMinor(deps.catalogue, await deps.subscriptions.subscriptionOf(id));
    if (minor > 0) recurring[id] = minor;
  });
  await deps.snapshots.save(month, recurring);
  return recurring;
}

/** One month of the whole book: revenue, its movements, and what each client and model used. */
export async function analyse(
  deps: AnalyseDeps,
  { month, isCurrent }: { readonly month: string; readonly isCurrent: boolean },
): Promise<Analytics> {
  const before = (await deps.snapshots.read(monthBefore(month))) ?? {};
  const after = isCurrent ? await snapshotRecurring(deps, month) : ((await deps.snapshots.read(month)) ?? {});
  const { tenants, isComplete } = await allTenants(deps);
  const clients: ClientMonth[] = [];
  await inGroups(tenants, async ({ id, name }) => {
    const [models, boughtMicro] = await Promise.all([usedBy(deps, id, month), boughtBy(deps, id, month)]);
    clients.push({
      tenantId: id,
      name,
      recurringMinor: after[id] ?? 0,
      boughtMicro,
      usedMicro: models.reduce((sum, { costMicro }) => sum + costMicro, 0),
      calls: models.reduce((sum, { calls }) => sum + calls, 0),
      models,
    });
  });
  const movements = movementsBetween(before, after);
  const payingTenants = Object.keys(after).length;
  return {
    month,
    currency: deps.catalogue.currency,
    movements,
    payingTenants,
    arpuMinor: payingTenants === 0 ? null : Math.floor(movements.toMinor / payingTenants),
    clients: clients.sort((a, b) => worthOf(b) - worthOf(a) || (a.tenantId < b.tenantId ? -1 : 1)),
    models: sumByModel(clients.flatMap(({ models }) => models)),
    isComplete,
  };
}

/** What a client brought: its subscription and the credits that it bought. */
export const worthOf = ({ recurringMinor, boughtMicro }: ClientMonth): number =>
  recurringMinor + Math.floor(boughtMicro / MICRO_PER_MINOR);

async function allTenants({ directory }: Pick<AnalyseDeps, 'directory'>) {
  const tenants: { readonly id: TenantId; readonly name: string }[] = [];
  let cursor: string | null = null;
  while (tenants.length < MAX_TENANTS) {
    const page = await directory.listTenants({ limit: A_PAGE, ...(cursor === null ? {} : { cursor }) });
    tenants.push(...page.tenants);
    cursor = page.nextCursor;
    if (cursor === null) return { tenants, isComplete: true };
  }
  return { tenants, isComplete: false };
}

async function inGroups<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += CONCURRENCY) {
    await Promise.all(items.slice(from, from + CONCURRENCY).map(work));
  }
}

async function usedBy(
  { ledger }: AnalyseDeps,
  tenantId: TenantId,
  month: string,
): Promise<readonly ModelUsage[]> {
  const lastDay = addDays(`${monthAfter(month)}-01`, -1);
  return sumByModel(await ledger.listRollups(tenantId, `${month}-01`, lastDay));
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

async function boughtBy({ ledger }: AnalyseDeps, tenantId: TenantId, month: string): Promise<number> {
  let boughtMicro = 0;
  for (let day = `${month}-01`; day.startsWith(month); day = addDays(day, 1)) {
    let cursor: string | null = null;
    for (let page = 0; page < MAX_ENTRY_PAGES; page += 1) {
      const listed = await ledger.listEntries(tenantId, {
        day,
        kind: 'grant',
        source: 'payment',
        limit: A_PAGE,
        ...(cursor === null ? {} : { cursor }),
      });
      if (!listed.ok) throw new Error(`the book of ${tenantId} cannot be listed: ${listed.error.code}`);
      for (const { amountMicro } of listed.value.entries) boughtMicro += amountMicro;
      cursor = listed.value.nextCursor;
      if (cursor === null) break;
    }
  }
  return boughtMicro;
}

const monthAfter = (month: string): string => addDays(`${month}-28`, 4).slice(0, 7);
const monthBefore = (month: string): string => addDays(`${month}-01`, -1).slice(0, 7);
