import type { NoticeQueue } from '#core/notices/ports.ts';
import type { World } from '#core/shared/world.ts';
import type { Directory } from '#core/tenants/ports.ts';
import { dueOutage } from './outage.ts';
import { outageNotices } from './outageNotices.ts';
import type {
  AdapterQueue,
  AdapterStore,
  ComponentState,
  CopiesBook,
  EndpointOverview,
  SeenCopies,
} from './ports.ts';
import { type Adapter, componentNameOf } from './types.ts';

export type WatchDesk = {
  readonly world: Pick<World, 'clock'>;
  readonly directory: Pick<Directory, 'listTenants'>;
  readonly adapters: Pick<AdapterStore, 'list'>;
  readonly endpoint: EndpointOverview;
  readonly copies: CopiesBook;
  readonly queue: AdapterQueue;
  readonly notices: NoticeQueue;
};

export type WatchReport = {
  /** Adapters that were to serve and do not. */
  readonly out: readonly Adapter[];
  /** Looks that were asked for, and those that have to wait for the next run. */
  readonly asked: number;
  readonly postponed: number;
  /** What could not be seen, and why: a tenant's adapters, or an endpoint's copies. The rest was. */
  readonly unseen: readonly { readonly what: string; readonly cause: unknown }[];
};

const PAGE = 100;
/** A hundred thousand tenants, and ten thousand adapters of one; a run that long has met its function's time limit. */
const MAX_PAGES = 1_000;
const MAX_ADAPTER_PAGES = 100;
/** Tenants whose adapters are listed at a time. */
const CONCURRENCY = 10;
/** Of one run; what is left is looked at by the next. */
const MAX_LOOKS = 100;
const MAX_PROOFS = 40;
/** Proofs are spread over the time until the next run, so that clients have the engine meanwhile. */
const SPREAD_SECONDS = 240;
/** Runs within such a time ask for the same. */
const EVERY_MS = 5 * 60_000;
/** A deployment or a move that has not ended by then is followed by nobody any more. */
const FORGOTTEN_AFTER_MS = 60 * 60_000;

/**
 * Finds adapters that somebody should look at, and asks for one look at each: deployed ones whose component is lost or
 * failed, or whose endpoint has more copies than when they were proven; tries that are due; what was left half done.
 * It changes no adapter itself, so runs may overlap, and a run that was cut off is made good by the next. Tells the
 * agency of adapters that are out of service.
 */
export async function watchAdapters(desk: WatchDesk): Promise<WatchReport> {
  const nowMs = desk.world.clock();
  const unseen: Unseen[] = [];
  const components = await desk.endpoint.list();
  const adapters = await listAll(desk, unseen);
  const grown = await followCopies(desk, { adapters, nowMs, unseen });
  const due = adapters.filter((adapter) => isDue(adapter, components, nowMs));
  const unproven = adapters.filter((adapter) => !due.includes(adapter) && isUnproven(adapter, grown));
  const looks = inTurn(due, MAX_LOOKS, nowMs);
  const proofs = inTurn(unproven, MAX_PROOFS, nowMs);
  for (const { tenantId, id } of looks)
    await desk.queue.send({ kind: 'watch', tenantId, adapterId: id, provenSinceMs: 0 });
  for (const [index, { tenantId, id, endpoint = null }] of proofs.entries()) {
    const provenSinceMs = grown.get(endpoint)?.grownAtMs ?? 0;
    const delaySeconds = Math.floor((index * SPREAD_SECONDS) / MAX_PROOFS);
    await desk.queue.send({ kind: 'watch', tenantId, adapterId: id, provenSinceMs }, delaySeconds);
  }
  for (const notice of outageNotices(adapters, nowMs)) await desk.notices.add(notice);
  const asked = looks.length + proofs.length;
  return {
    out: adapters.filter(({ outage }) => outage !== undefined),
    asked,
    postponed: due.length + unproven.length - asked,
    unseen,
  };
}

type Unseen = WatchReport['unseen'][number];

/** At most so many, others in each run: none waits for ever behind those that stay. */
function inTurn(adapters: readonly Adapter[], most: number, nowMs: number): readonly Adapter[] {
  if (adapters.length <= most) return adapters;
  const from = (Math.floor(nowMs / EVERY_MS) * most) % adapters.length;
  return [...adapters.slice(from), ...adapters.slice(0, from)].slice(0, most);
}

/** Every tenant's adapters; the lists may lag, and whoever looks reads each anew. */
async function listAll({ directory, adapters }: WatchDesk, unseen: Unseen[]): Promise<readonly Adapter[]> {
  const found: Adapter[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { tenants, nextCursor } = await directory.listTenants({
      limit: PAGE,
      ...(cursor === null ? {} : { cursor }),
    });
    for (let from = 0; from < tenants.length; from += CONCURRENCY) {
      const group = tenants.slice(from, from + CONCURRENCY);
      const lists = group.map(({ id }) =>
        listOf(adapters, id).catch((cause: unknown) => {
          unseen.push({ what: `the adapters of ${id}`, cause });
          return [];
        }),
      );
      found.push(...(await Promise.all(lists)).flat());
    }
    cursor = nextCursor;
    if (cursor === null) break;
  }
  return found;
}

async function listOf(
  adapters: WatchDesk['adapters'],
  tenantId: Adapter['tenantId'],
): Promise<readonly Adapter[]> {
  const found: Adapter[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < MAX_ADAPTER_PAGES; page += 1) {
    const listed = await adapters.list(tenantId, { limit: PAGE, ...(cursor === null ? {} : { cursor }) });
    found.push(...listed.adapters);
    cursor = listed.nextCursor;
    if (cursor === null) break;
  }
  return found;
}

/** Notes how many copies each endpoint in use has now; one that is seen for the first time has all of them anew. */
async function followCopies(
  desk: WatchDesk,
  {
    adapters,
    nowMs,
    unseen,
  }: { readonly adapters: readonly Adapter[]; readonly nowMs: number; readonly unseen: Unseen[] },
): Promise<ReadonlyMap<string | null, SeenCopies>> {
  const deployed = adapters.filter(({ status }) => status === 'deployed');
  const seen = new Map<string | null, SeenCopies>();
  for (const place of new Set(deployed.map(({ endpoint = null }) => endpoint))) {
    try {
      seen.set(place, await lookAtCopies(desk, place, nowMs));
    } catch (cause) {
      unseen.push({ what: `the copies of ${place ?? 'the shared endpoint'}`, cause });
    }
  }
  return seen;
}

async function lookAtCopies(
  { endpoint, copies }: WatchDesk,
  place: string | null,
  nowMs: number,
): Promise<SeenCopies> {
  const before = await copies.read(place);
  const now = await endpoint.copies(place ?? undefined);
  const grownAtMs = now > (before?.copies ?? 0) ? nowMs : (before?.grownAtMs ?? nowMs);
  if (before?.copies !== now) await copies.write(place, { copies: now, grownAtMs });
  return { copies: now, grownAtMs };
}

/** Whether the registry and the endpoint say different things of an adapter, or nobody follows it any more. */
function isDue(
  adapter: Adapter,
  components: ReadonlyMap<string, ComponentState['status']>,
  nowMs: number,
): boolean {
  const component = components.get(componentNameOf(adapter.id, adapter.endpoint));
  switch (adapter.status) {
    case 'deployed':
      return adapter.move === undefined
        ? component !== 'in_service' && component !== 'creating'
        : nowMs - adapter.move.sinceMs > FORGOTTEN_AFTER_MS;
    case 'deploying':
      return nowMs - adapter.statusAtMs > FORGOTTEN_AFTER_MS;
    case 'failed':
      return component !== undefined || dueOutage(adapter, nowMs) !== undefined;
    case 'registered':
    case 'retired':
      return component !== undefined;
    default:
      return adapter.status satisfies never;
  }
}

/** On copies that were loaded after its proof. A sleeping endpoint is not woken for it. */
function isUnproven(adapter: Adapter, grown: ReadonlyMap<string | null, SeenCopies>): boolean {
  const seen = grown.get(adapter.endpoint ?? null);
  return (
    adapter.status === 'deployed' &&
    adapter.move === undefined &&
    seen !== undefined &&
    seen.copies > 0 &&
    (adapter.fingerprint?.provenAtMs ?? 0) < seen.grownAtMs
  );
}
