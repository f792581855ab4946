import { writeChange } from '#core/routing/changeRollout.ts';
import { relocate } from '#core/routing/relocate.ts';
import { bringInto, type Look, move, removeFrom, settle, WAITING } from './endpointSteps.ts';
import type { DeployDesk } from './ports.ts';
import { type Adapter, type AdapterMove, type Fingerprint, placedAt } from './types.ts';

/** Calls that began before the models were led over may run so long: a function's longest time, and a little more. */
const LEAVE_AFTER_MS = 16 * 60_000;

/**
 * Brings a deployed adapter one step nearer to its other endpoint. It answers where it was until it is proven there;
 * then its models are led over, and only when no call can be under way behind them is its old component taken away.
 */
export async function lookAfterMove(desk: DeployDesk, adapter: Adapter, moving: AdapterMove): Promise<Look> {
  if (moving.state === 'leaving') return leave(desk, adapter, moving);
  return bringInto(desk, placedAt(adapter, moving.endpoint), {
    sinceMs: moving.sinceMs,
    proven: (fingerprint) => arrive(desk, adapter, { moving, fingerprint }),
    failed: (why) => stay(desk, adapter, { moving, why }),
  });
}

async function arrive(
  desk: DeployDesk,
  adapter: Adapter,
  { moving, fingerprint }: { readonly moving: AdapterMove; readonly fingerprint: Fingerprint },
): Promise<Look> {
  await move(desk, adapter, (found) => ({
    ...placedAt(found, moving.endpoint),
    fingerprint,
    move: { state: 'leaving', endpoint: found.endpoint ?? null, sinceMs: desk.world.clock() },
    version: found.version + 1,
  }));
  return WAITING;
}

/** Nothing has changed for its models; what was begun at the other endpoint is taken away, for nobody calls it. */
async function stay(
  desk: DeployDesk,
  adapter: Adapter,
  { moving, why }: { readonly moving: AdapterMove; readonly why: string },
): Promise<Look> {
  desk.countFailure();
  desk.log('an adapter could not be moved', { adapterId: adapter.id, why });
  await move(desk, adapter, (found) => ({
    ...found,
    statusDetails: `It could not be moved to ${moving.endpoint ?? 'the shared endpoint'}: ${why}`,
    move: { ...moving, state: 'leaving', sinceMs: desk.world.clock() - LEAVE_AFTER_MS },
    version: found.version + 1,
  }));
  return WAITING;
}

async function leave(desk: DeployDesk, adapter: Adapter, moving: AdapterMove): Promise<Look> {
  if (!(await leadOver(desk, adapter, moving))) return WAITING;
  if (desk.world.clock() - moving.sinceMs < LEAVE_AFTER_MS) return WAITING;
  return (await removeFrom(desk, adapter, moving.endpoint)) ? move(desk, adapter, settle) : WAITING;
}

/** Leads the tenant's models to where the adapter is now. False when somebody else changed one of them meanwhile. */
async function leadOver(desk: DeployDesk, adapter: Adapter, moving: AdapterMove): Promise<boolean> {
  const { id: adapterId, tenantId, endpoint: to = null } = adapter;
  let all = true;
  for (const previous of await desk.directory.listModels(tenantId)) {
    const next = relocate(previous, { adapterId, from: moving.endpoint, to });
    if (next === previous) continue;
    const act = { actor: 'tunegate', reason: `${adapterId} came to ${to ?? 'the shared endpoint'}` };
    all = (await writeChange(desk, { previous, next, action: 'move', act })) && all;
  }
  return all;
}
