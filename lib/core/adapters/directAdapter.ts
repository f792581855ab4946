import { err, ok, type Result } from '#core/shared/result.ts';
import type { AuditRecord } from '#core/tenants/ports.ts';
import { type Act, auditRecord } from '#core/tenants/tenancy.ts';
import type { ModelRoute } from '#core/tenants/types.ts';
import { type AdapterRef, changeAdapter } from './changeAdapter.ts';
import { mayMove, moveAdapter } from './moveAdapter.ts';
import type { AdapterDesk } from './ports.ts';
import type { Adapter, AdapterStatus } from './types.ts';

export type NotDirected =
  | { readonly code: 'adapter_not_found' }
  | { readonly code: 'adapter_retired' }
  /** Retiring wants it undeployed first. */
  | { readonly code: 'adapter_deployed' }
  /** Model names that it answers. */
  | { readonly code: 'adapter_in_use'; readonly aliases: readonly string[] };

type Directed = Result<Adapter, NotDirected>;

/**
 * Has an adapter deployed. The answer is that it begins: `deploying` becomes `deployed` when it is proven to answer.
 * Repeated, it is looked after again; one that is deployed already is checked to be still there.
 */
export async function deployAdapter(desk: AdapterDesk, ref: AdapterRef, act: Act): Promise<Directed> {
  const tenant = await desk.directory.readTenant(ref.tenantId);
  const directed = await direct(desk, ref, act, {
    action: 'adapter.deploy',
    to: 'deploying',
    unless: ['deployed'],
    endpoint: tenant?.endpoint,
  });
  if (directed.ok && directed.value.status !== 'retired') await desk.queue.send({ kind: 'deploy', ...ref });
  return directed.ok && directed.value.status === 'retired' ? err({ code: 'adapter_retired' }) : directed;
}

/** Takes an adapter off the endpoint. Refused while a model name leads to it. Repeated, it changes nothing more. */
export async function undeployAdapter(desk: AdapterDesk, ref: AdapterRef, act: Act): Promise<Directed> {
  const aliases = await aliasesOf(desk, ref);
  if (aliases.length > 0) return err({ code: 'adapter_in_use', aliases });
  const directed = await direct(desk, ref, act, {
    action: 'adapter.undeploy',
    to: 'registered',
    unless: ['retired'],
  });
  if (directed.ok) await desk.queue.send({ kind: 'undeploy', ...ref });
  return directed;
}

/** Ends an adapter: it stays for its lineage and its export, and is deployed no more. */
export async function retireAdapter(desk: AdapterDesk, ref: AdapterRef, act: Act): Promise<Directed> {
  const aliases = await aliasesOf(desk, ref);
  if (aliases.length > 0) return err({ code: 'adapter_in_use', aliases });
  const directed = await direct(desk, ref, act, { action: 'adapter.retire', to: 'retired', unless: [] });
  return directed.ok && directed.value.status !== 'retired' ? err({ code: 'adapter_deployed' }) : directed;
}

/** Moves an adapter where the table allows it; elsewhere it stays as it is, and so it does when it is there already. */
async function direct(
  desk: AdapterDesk,
  ref: AdapterRef,
  act: Act,
  {
    action,
    to,
    unless,
    endpoint,
  }: {
    readonly action: string;
    readonly to: AdapterStatus;
    readonly unless: readonly AdapterStatus[];
    readonly endpoint?: string | undefined;
  },
): Promise<Directed> {
  const audit = ({ tenantId, id }: Adapter): AuditRecord =>
    auditRecord(desk.world, act, { action, tenantId, details: { adapterId: id } });
  const nowMs = desk.world.clock();
  const adapter = await changeAdapter(
    desk,
    ref,
    (found) =>
      unless.includes(found.status) || !mayMove(found.status, to)
        ? undefined
        : placed(moveAdapter(found, to, nowMs), endpoint),
    audit,
  );
  return adapter === undefined ? err({ code: 'adapter_not_found' }) : ok(adapter);
}

/** An adapter that begins to be deployed goes to where its tenant's are; any other stays where it is. */
function placed({ endpoint: before, ...adapter }: Adapter, endpoint: string | undefined): Adapter {
  const at = adapter.status === 'deploying' ? endpoint : before;
  return at === undefined ? adapter : { ...adapter, endpoint: at };
}

/** The tenant's model names that lead to this adapter. */
async function aliasesOf(
  { directory }: AdapterDesk,
  { tenantId, adapterId }: AdapterRef,
): Promise<readonly string[]> {
  const models = await directory.listModels(tenantId);
  return models.filter((model) => answersOf(model).includes(adapterId)).map(({ alias }) => alias);
}

/** What answers a model's calls now, or gets copies of them. Former versions do not: going back deploys them again. */
const answersOf = ({ adapterId, rollout }: ModelRoute) => [
  adapterId,
  rollout?.canary?.version.adapterId,
  rollout?.shadow?.version.adapterId,
];
