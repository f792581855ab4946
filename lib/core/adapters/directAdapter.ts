import { err, ok, type Result } from '#core/shared/result.ts';
import type { AuditRecord } from '#core/tenants/ports.ts';
import { type Act, auditRecord } from '#core/tenants/tenancy.ts';
import type { ModelRoute } from '#core/tenants/types.ts';
import { type AdapterRef, changeAdapter } from './changeAdapter.ts';
import { mayMove, moveAdapter } from './moveAdapter.ts';
import { ownModels } from './nameModels.ts';
import type { AdapterDesk } from './ports.ts';
import { type Adapter, placedAt } from './types.ts';

export type NotDirected =
  | { readonly code: 'adapter_not_found' }
  | { readonly code: 'adapter_retired' }
  /** Retiring wants it undeployed first. */
  | { readonly code: 'adapter_deployed' }
  /** It has not left its last endpoint yet: its record can name no third one. */
  | { readonly code: 'adapter_moving' }
  /** Model names that it answers. */
  | { readonly code: 'adapter_in_use'; readonly aliases: readonly string[] };

type Directed = Result<Adapter, NotDirected>;

/**
 * Has an adapter deployed where its tenant's are. The answer is that it begins: `deploying` becomes `deployed` when
 * it is proven to answer. One that is deployed elsewhere moves, and answers where it was until it is proven here.
 * Repeated, it is looked after again; one that is deployed already is checked to be still there.
 */
export async function deployAdapter(desk: AdapterDesk, ref: AdapterRef, act: Act): Promise<Directed> {
  const endpoint = (await desk.directory.readTenant(ref.tenantId))?.endpoint ?? null;
  const nowMs = desk.world.clock();
  const directed = await direct(desk, ref, act, 'adapter.deploy', (found) => {
    if (found.status === 'deployed') return moveTo(found, endpoint, nowMs);
    if (found.move !== undefined || !mayMove(found.status, 'deploying')) return undefined;
    return placedAt(moveAdapter(found, 'deploying', nowMs), endpoint);
  });
  if (!directed.ok) return directed;
  if (directed.value.status === 'retired') return err({ code: 'adapter_retired' });
  await desk.queue.send({ kind: 'deploy', ...ref });
  return isUnderWay(directed.value, endpoint) ? directed : err({ code: 'adapter_moving' });
}

/** Undefined: it is there, or on its way, or still leaves another endpoint. */
function moveTo(adapter: Adapter, endpoint: string | null, nowMs: number): Adapter | undefined {
  if (adapter.move !== undefined || (adapter.endpoint ?? null) === endpoint) return undefined;
  const move = { state: 'coming', endpoint, sinceMs: nowMs } as const;
  return { ...adapter, statusDetails: null, move, version: adapter.version + 1 };
}

const isUnderWay = ({ status, endpoint, move }: Adapter, wanted: string | null): boolean =>
  (status === 'deploying' || status === 'deployed') &&
  (move?.state === 'coming' ? move.endpoint : (endpoint ?? null)) === wanted;

/** Takes an adapter off the endpoint. Refused while a model name leads to it. Repeated, it changes nothing more. */
export async function undeployAdapter(desk: AdapterDesk, ref: AdapterRef, act: Act): Promise<Directed> {
  const directed = await directUnused(desk, ref, act, 'adapter.undeploy', (found) =>
    found.status !== 'retired' && mayMove(found.status, 'registered')
      ? moveAdapter(found, 'registered', desk.world.clock())
      : undefined,
  );
  if (directed.ok) await desk.queue.send({ kind: 'undeploy', ...ref });
  return directed;
}

/** Ends an adapter: it stays for its lineage and its export, and is deployed no more. */
export async function retireAdapter(desk: AdapterDesk, ref: AdapterRef, act: Act): Promise<Directed> {
  const directed = await directUnused(desk, ref, act, 'adapter.retire', (found) =>
    mayMove(found.status, 'retired') ? moveAdapter(found, 'retired', desk.world.clock()) : undefined,
  );
  return directed.ok && directed.value.status !== 'retired' ? err({ code: 'adapter_deployed' }) : directed;
}

/**
 * The same for an adapter that no model leads to. The models are read after the adapter, and leading one to it changes
 * the adapter (`AdapterUse`): so of the two at once, the second sees the first or is not written.
 */
async function directUnused(
  desk: AdapterDesk,
  ref: AdapterRef,
  act: Act,
  action: string,
  decide: (adapter: Adapter) => Adapter | undefined,
): Promise<Directed> {
  let aliases: readonly string[] = [];
  const directed = await direct(desk, ref, act, action, async (found) => {
    aliases = await aliasesOf(desk, found);
    return aliases.length > 0 ? undefined : decide(found);
  });
  return aliases.length > 0 ? err({ code: 'adapter_in_use', aliases }) : directed;
}

/** Changes an adapter by what `decide` says; undefined: it stays as it is. */
async function direct(
  desk: AdapterDesk,
  ref: AdapterRef,
  act: Act,
  action: string,
  decide: Parameters<typeof changeAdapter>[2],
): Promise<Directed> {
  const audit = ({ tenantId, id }: Adapter): AuditRecord =>
    auditRecord(desk.world, act, { action, tenantId, details: { adapterId: id } });
  const adapter = await changeAdapter(desk, ref, decide, audit);
  return adapter === undefined ? err({ code: 'adapter_not_found' }) : ok(adapter);
}

/** The tenant's model names that lead to this adapter, but its own: these come and go with its service. */
async function aliasesOf({ directory }: AdapterDesk, adapter: Adapter): Promise<readonly string[]> {
  const models = await directory.listModels(adapter.tenantId);
  const own = ownModels(adapter, models);
  return models
    .filter((model) => answersOf(model).includes(adapter.id) && !own.includes(model))
    .map(({ alias }) => alias);
}

/** What answers a model's calls now, or gets copies of them. Former versions do not: going back deploys them again. */
const answersOf = ({ adapterId, rollout }: ModelRoute) => [
  adapterId,
  rollout?.canary?.version.adapterId,
  rollout?.shadow?.version.adapterId,
];
