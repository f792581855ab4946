import { applyChange } from '#core/routing/applyChange.ts';
import { writeChange } from '#core/routing/changeRollout.ts';
import type { ModelRoute } from '#core/tenants/types.ts';
import { type Look, move, removeFrom, WAITING } from './endpointSteps.ts';
import { loadAnew } from './outage.ts';
import type { DeployDesk } from './ports.ts';
import { proveAdapter } from './proveAdapter.ts';
import { type Adapter, componentNameOf, type Fingerprint } from './types.ts';

/**
 * Sees to a deployed adapter: whether its endpoint still has it, and, where it was proven before `provenSinceMs`,
 * whether it still answers. What does not serve is taken out of service and loaded anew.
 */
export async function keepUp(desk: DeployDesk, adapter: Adapter, provenSinceMs = 0): Promise<Look> {
  const component = await desk.endpoint.describe(componentNameOf(adapter.id, adapter.endpoint));
  if (component === undefined) return takeOut(desk, adapter, 'component_missing: the endpoint lost it.');
  switch (component.status) {
    case 'creating':
      return WAITING;
    case 'failed':
    case 'deleting':
      return takeOut(
        desk,
        adapter,
        `component_${component.status}: ${component.failureReason ?? 'no reason is known'}`,
      );
    case 'in_service':
      return (adapter.fingerprint?.provenAtMs ?? 0) < provenSinceMs
        ? proveAgain(desk, adapter)
        : { kind: 'settled', adapter };
    default:
      return component.status satisfies never;
  }
}

/** One that fails is asked once more: its answers may have been rounded among others' calls. */
async function proveAgain(desk: DeployDesk, adapter: Adapter): Promise<Look> {
  const first = await proveAdapter(desk, adapter);
  const proven = first === 'loading' || first.ok ? first : await proveAdapter(desk, adapter);
  // Nothing is awake to answer, so nothing answers wrongly: the next run sees to it.
  if (proven === 'loading') return { kind: 'settled', adapter };
  return proven.ok
    ? move(desk, adapter, withProof(proven.value))
    : takeOut(desk, adapter, `${proven.error.code}: ${proven.error.message}`);
}

const withProof = (fingerprint: Fingerprint) => (adapter: Adapter) => ({
  ...adapter,
  fingerprint,
  version: adapter.version + 1,
});

/**
 * Takes an adapter that does not serve out of service. Users of a canary or shadow get the stable version at once; a
 * stable version's calls are refused until the adapter is loaded anew and proven.
 */
async function takeOut(desk: DeployDesk, adapter: Adapter, why: string): Promise<Look> {
  desk.countFailure();
  desk.log('a deployed adapter does not serve', { adapterId: adapter.id, why });
  await endShares(desk, adapter, why);
  const moved = await move(desk, adapter, (found) => loadAnew(found, desk.world.clock(), why));
  if (moved.kind === 'settled') await removeFrom(desk, adapter, adapter.endpoint ?? null);
  return WAITING;
}

async function endShares(desk: DeployDesk, adapter: Adapter, why: string): Promise<void> {
  const act = { actor: 'tunegate', reason: `${adapter.id} does not serve: ${why}` };
  for (const model of await desk.directory.listModels(adapter.tenantId)) {
    let previous: ModelRoute = model;
    for (const action of ['canary', 'shadow'] as const) {
      if (previous.rollout?.[action]?.version.adapterId !== adapter.id) continue;
      const ended = applyChange(previous, { action, percent: 0 });
      if (!ended.ok || !(await writeChange(desk, { previous, next: ended.value, action, act }))) continue;
      previous = ended.value;
    }
  }
}
