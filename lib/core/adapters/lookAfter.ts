import type { AdapterRef } from './changeAdapter.ts';
import { changeAdapter } from './changeAdapter.ts';
import { moveAdapter } from './moveAdapter.ts';
import type { DeployDesk, EndpointRefused } from './ports.ts';
import { proveAdapter } from './proveAdapter.ts';
import { type Adapter, archiveKey, componentNameOf } from './types.ts';

/** What a look at an adapter found: its end, or something to wait for. */
export type Look =
  | { readonly kind: 'settled'; readonly adapter: Adapter }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'unknown' };

/** Loading takes minutes at SageMaker, and so does waking the base up; what takes longer will not come. */
const DEPLOY_WITHIN_MS = 40 * 60_000;

const WAITING: Look = { kind: 'waiting' };

/**
 * Brings the endpoint one step nearer to what the registry says of an adapter. It compares states and follows no
 * events: messages may come twice, late, in any order or cut off anywhere, and the next look goes on from what is.
 */
export async function lookAfter(desk: DeployDesk, ref: AdapterRef): Promise<Look> {
  const adapter = await desk.adapters.read(ref.tenantId, ref.adapterId);
  if (adapter === undefined) return { kind: 'unknown' };
  switch (adapter.status) {
    case 'deploying':
      return bringUp(desk, adapter);
    case 'deployed':
      return keepUp(desk, adapter);
    case 'registered':
    case 'failed':
    case 'retired':
      return takeDown(desk, adapter);
    default:
      return adapter.status satisfies never;
  }
}

async function bringUp(desk: DeployDesk, adapter: Adapter): Promise<Look> {
  if (desk.world.clock() - adapter.statusAtMs > DEPLOY_WITHIN_MS)
    return fail(desk, adapter, 'deploy_timed_out: it was not in service in time.');
  const name = componentNameOf(adapter.id);
  const component = await desk.endpoint.describe(name);
  if (component === undefined) return create(desk, adapter, name);
  switch (component.status) {
    case 'creating':
    case 'deleting':
      return WAITING;
    case 'failed':
      return fail(desk, adapter, `component_failed: ${component.failureReason ?? 'no reason is known'}`);
    case 'in_service':
      return prove(desk, adapter);
    default:
      return component.status satisfies never;
  }
}

async function create(desk: DeployDesk, adapter: Adapter, name: string): Promise<Look> {
  const created = await desk.endpoint.create(name, archiveKey(adapter), adapter.endpoint);
  if (created.ok) return WAITING;
  return waitOrFail(desk, adapter, created.error);
}

function waitOrFail(desk: DeployDesk, adapter: Adapter, refused: EndpointRefused): Promise<Look> | Look {
  if (refused.code === 'invalid') return fail(desk, adapter, `component_refused: ${refused.message}`);
  desk.log('the endpoint does not take an adapter now', { adapterId: adapter.id, refused });
  return WAITING;
}

async function prove(desk: DeployDesk, adapter: Adapter): Promise<Look> {
  const proven = await proveAdapter(desk, adapter);
  if (proven === 'loading') return WAITING;
  if (!proven.ok) return fail(desk, adapter, `${proven.error.code}: ${proven.error.message}`);
  return move(desk, adapter, (found) =>
    moveAdapter(found, 'deployed', desk.world.clock(), { fingerprint: proven.value }),
  );
}

/** A component that is lost, with its endpoint for example, is made again. */
async function keepUp(desk: DeployDesk, adapter: Adapter): Promise<Look> {
  const component = await desk.endpoint.describe(componentNameOf(adapter.id));
  if (component?.status === 'in_service') return { kind: 'settled', adapter };
  if (component?.status === 'creating') return WAITING;
  desk.log('a deployed adapter was not on the endpoint', { adapterId: adapter.id, component });
  await move(desk, adapter, (found) => moveAdapter(found, 'deploying', desk.world.clock()));
  return WAITING;
}

async function takeDown(desk: DeployDesk, adapter: Adapter): Promise<Look> {
  const name = componentNameOf(adapter.id);
  const component = await desk.endpoint.describe(name);
  if (component === undefined) return { kind: 'settled', adapter };
  if (component.status === 'deleting') return WAITING;
  const removed = await desk.endpoint.remove(name);
  if (removed.ok && removed.value === 'gone') return { kind: 'settled', adapter };
  if (!removed.ok)
    desk.log('the endpoint does not let go of an adapter now', { adapterId: adapter.id, removed });
  return WAITING;
}

async function fail(desk: DeployDesk, adapter: Adapter, statusDetails: string): Promise<Look> {
  desk.countFailure();
  desk.log('an adapter could not be deployed', { adapterId: adapter.id, statusDetails });
  await move(desk, adapter, (found) => moveAdapter(found, 'failed', desk.world.clock(), { statusDetails }));
  // Its component, if there is one, is taken down by the next look.
  return WAITING;
}

/** Moves an adapter that is still as it was looked at; when it is not, the next look sees what it has become. */
async function move(desk: DeployDesk, seen: Adapter, to: (found: Adapter) => Adapter): Promise<Look> {
  let moved = false;
  const ref = { tenantId: seen.tenantId, adapterId: seen.id };
  const adapter = await changeAdapter(desk, ref, (found) => {
    moved = found.version === seen.version;
    return moved ? to(found) : undefined;
  });
  return moved && adapter !== undefined ? { kind: 'settled', adapter } : WAITING;
}
