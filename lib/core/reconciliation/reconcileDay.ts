import type { BillingStore, PaymentProvider, PaymentQueue } from '#core/billing/ports.ts';
import type { Ledger, UsageBook } from '#core/ledger/ports.ts';
import { addDays } from '#core/metering/periods.ts';
import type { HoldId, TenantId } from '#core/shared/ids.ts';
import type { Clock } from '#core/shared/world.ts';
import type { LateUsageList, OverageOutbox } from '#core/subscriptions/overagePorts.ts';
import type { SubscriptionStore } from '#core/subscriptions/ports.ts';
import type { Directory } from '#core/tenants/ports.ts';
import { type BusyTime, makeBusyTime } from './busyTime.ts';
import { type Compared, compareAmounts, sideOf } from './compareAmounts.ts';
import { compareCosts } from './compareCosts.ts';
import { compareInference } from './compareInference.ts';
import { comparePayments } from './comparePayments.ts';
import { compareRefunds, type TakenBack } from './compareRefunds.ts';
import { compareUsage } from './compareUsage.ts';
import { entriesOfDay, takenBackOn } from './entriesOfDay.ts';
import type {
  ArchiveReader,
  AwsCostSource,
  EndpointOfCall,
  EndpointPrice,
  JobCosts,
  LostCalls,
  MeteredAtProvider,
  ReconciliationStore,
} from './ports.ts';
import type { Pair, Reconciliation, Unread } from './types.ts';

export type ReconcileDeps = {
  readonly directory: Pick<Directory, 'listTenants'>;
  readonly ledger: Pick<Ledger, 'listEntries'> & Pick<UsageBook, 'archiveDue' | 'entriesOfHour'>;
  readonly archive: ArchiveReader;
  readonly lostCalls: Pick<LostCalls, 'ofDay'>;
  readonly provider: Pick<PaymentProvider, 'listRecent' | 'readPayment'>;
  readonly billing: Pick<BillingStore, 'readPayment' | 'readCheckout'>;
  readonly subscriptions: Pick<SubscriptionStore, 'readSubscription'>;
  readonly queue: PaymentQueue;
  readonly meteredAtDodo: MeteredAtProvider;
  readonly outbox: Pick<OverageOutbox, 'pending'>;
  readonly lateUsage: Pick<LateUsageList, 'list'>;
  readonly jobs: JobCosts;
  readonly awsCosts: AwsCostSource;
  /** What belongs to this deployment at AWS. */
  readonly aws: {
    /** The one that tenants share first. */
    readonly endpoints: readonly EndpointPrice[];
    readonly jobNamePrefix: string;
    readonly endpointOfCall: EndpointOfCall;
  };
  readonly store: Pick<ReconciliationStore, 'save'>;
  readonly clock: Clock;
};

const A_PAGE = 100;
/** A million tenants; a run that long has met its function's time limit before. */
const MAX_PAGES = 10_000;
const MAX_OUTBOX = 10_000;
const MAX_LATE_PAGES = 100;
const DAY_MS = 86_400_000;
/** A refund that was applied on the day may have been made this long before it. */
const REFUNDS_BEFORE_MS = 7 * DAY_MS;
/** A dispute may take months from its opening to its end. */
const DISPUTES_SINCE_MS = 120 * DAY_MS;
/** What a report keeps; an item ends at 400 KB. */
const MAX_DIFFERENCES = 500;

/** What is gathered from all account books before it is held against a book that has no tenants. */
type Books = {
  readonly overage: (readonly [string, number])[];
  readonly granted: Map<string, { readonly tenantId: TenantId; readonly amountMicro: number }>;
  readonly takenBack: Map<TenantId, TakenBack>;
  readonly busy: BusyTime;
};

type Found = { readonly compared: Compared[]; readonly unread: Unread[] };

/**
 * Holds the books of one day of UTC against each other: gateway, ledger, Dodo and AWS. Every difference has a cause
 * or is unknown; a payment whose webhook never came is queued. What cannot be read is said, and leaves the rest.
 */
export async function reconcileDay(deps: ReconcileDeps, day: string): Promise<Reconciliation> {
  const ranAtMs = deps.clock();
  const found: Found = { compared: [], unread: [] };
  const books: Books = {
    overage: [],
    granted: new Map(),
    takenBack: new Map(),
    busy: makeBusyTime(boundsOf(day)[0]),
  };
  const lost = Map.groupBy(await deps.lostCalls.ofDay(day), ({ tenantId }) => tenantId);

  for await (const tenantId of tenantsOf(deps)) {
    const holds: readonly HoldId[] = (lost.get(tenantId) ?? []).map(({ holdId }) => holdId);
    const usage = await compareUsage(deps, {
      tenantId,
      day,
      lost: holds,
      onCall: async ({ model, version, adapter, operation, startedAtMs, computeMs }) => {
        if (operation === 'fine_tuning') return;
        const endpoint = await deps.aws.endpointOfCall(tenantId, { model, version: version ?? adapter });
        if (endpoint !== undefined) books.busy.add(endpoint, startedAtMs, computeMs);
      },
    });
    found.compared.push(usage);
    books.overage.push(...usage.overage);
    const grants = { day, kind: 'grant', source: 'payment' } as const;
    for await (const { source, amountMicro } of entriesOfDay(deps.ledger, tenantId, grants)) {
      books.granted.set(source.id, { tenantId, amountMicro });
    }
    const taken = await takenBackOn(deps.ledger, tenantId, day);
    if (taken.size > 0) books.takenBack.set(tenantId, taken);
  }
  const { payments, refunds } = await atDodo(deps, day, books);
  add(found, 'ledger_payments', payments);
  add(found, 'ledger_refunds', refunds);
  add(found, 'ledger_usage', await meteredUsage(deps, day, books.overage));
  await addAwsCosts(deps, found, { day, busy: books.busy, nowMs: ranAtMs });

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

/** Dodo's payments, refunds and disputes against our mirror of them, and against the account books. */
async function atDodo(
  deps: ReconcileDeps,
  day: string,
  { granted, takenBack }: Pick<Books, 'granted' | 'takenBack'>,
): Promise<{ readonly payments: Compared | string; readonly refunds: Compared | string }> {
  const [fromMs, toMs] = boundsOf(day);
  const nowMs = deps.clock();
  const listed = await deps.provider.listRecent({
    paymentsSinceMs: fromMs,
    refundsSinceMs: fromMs - REFUNDS_BEFORE_MS,
    disputesSinceMs: nowMs - DISPUTES_SINCE_MS,
  });
  if (!listed.ok) return { payments: listed.error.detail, refunds: listed.error.detail };
  const { payments, subscriptionPayments, refunds, disputes, isComplete } = listed.value;
  const more = 'Dodo lists more payments than one run may read';
  if (!isComplete) return { payments: more, refunds: more };
  const isOfDay = ({ createdAtMs }: { readonly createdAtMs: number }) =>
    createdAtMs >= fromMs && createdAtMs < toMs;
  const ofDay = {
    payments: payments.filter(isOfDay),
    subscriptionPayments: subscriptionPayments.filter(isOfDay),
  };
  const known = (tenantId: TenantId, on: string): Promise<TakenBack> =>
    takenBackOn(deps.ledger, tenantId, on);
  return {
    payments: await comparePayments(deps, { atDodo: ofDay, granted }),
    refunds: await compareRefunds(
      { ...deps, takenBackOn: known },
      { day, atDodo: { refunds, disputes }, takenBack },
    ),
  };
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

/** AWS's bill against our training jobs of the month, and against the calls of the day. */
async function addAwsCosts(
  { awsCosts, aws, jobs }: ReconcileDeps,
  found: Found,
  { day, busy, nowMs }: { readonly day: string; readonly busy: BusyTime; readonly nowMs: number },
): Promise<void> {
  const month = day.slice(0, 7);
  const read = await awsCosts.ofMonth(month);
  const costs = read.ok ? read.value : undefined;
  if (costs === undefined) {
    const why = read.ok ? `no AWS costs of ${month} were exported or imported` : read.error.detail;
    for (const pair of ['jobs_aws', 'inference_aws'] as const)
      found.unread.push({ pair, why, isFault: !read.ok });
    return;
  }
  const namePrefix = aws.jobNamePrefix;
  add(found, 'jobs_aws', compareCosts({ jobs: await jobs.ofMonth(month), costs, namePrefix, nowMs }));
  add(found, 'inference_aws', compareInference({ day, endpoints: aws.endpoints, busy, costs, nowMs }));
}

function add(found: Found, pair: Pair, compared: Compared | string): void {
  if (typeof compared === 'string') found.unread.push({ pair, why: compared, isFault: true });
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
