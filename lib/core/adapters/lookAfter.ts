import type { AdapterRef } from './changeAdapter.ts';
import { bringInto, type Look, move, removeFrom, settle, WAITING } from './endpointSteps.ts';
import { keepUp } from './keepUp.ts';
import { lookAfterMove } from './lookAfterMove.ts';
import { moveAdapter } from './moveAdapter.ts';
import { giveNames, takeNames } from './nameModels.ts';
import { dueOutage, failedToLoad, loadAnew } from './outage.ts';
import type { DeployDesk } from './ports.ts';
import type { Adapter } from './types.ts';

/**
 * Brings the endpoint one step nearer to what the registry says of an adapter. It compares states and follows no
 * events: messages may come twice, late, in any order or cut off anywhere, and the next look goes on from what is.
 */
export async function lookAfter(
  desk: DeployDesk,
  ref: AdapterRef,
  { provenSinceMs = 0 }: { readonly provenSinceMs?: number } = {},
): Promise<Look> {
  const adapter = await desk.adapters.read(ref.tenantId, ref.adapterId);
  if (adapter === undefined) return { kind: 'unknown' };
  switch (adapter.status) {
    case 'deploying':
      return bringUp(desk, adapter);
    case 'deployed':
      if (adapter.unnamed) return giveNames(desk, adapter);
      return adapter.move === undefined
        ? keepUp(desk, adapter, provenSinceMs)
        : lookAfterMove(desk, adapter, adapter.move);
    case 'failed':
      return tryAgain(desk, adapter, await takeDown(desk, adapter));
    case 'registered':
    case 'retired':
      return takeDown(desk, adapter);
    default:
      return adapter.status satisfies never;
  }
}

const bringUp = (desk: DeployDesk, adapter: Adapter): Promise<Look> =>
  bringInto(desk, adapter, {
    sinceMs: adapter.statusAtMs,
    proven: async (fingerprint) => {
      const look = await move(desk, adapter, (found) => ({
        ...moveAdapter(found, 'deployed', desk.world.clock(), { fingerprint }),
        ...(found.modelNames === undefined ? {} : { unnamed: true }),
      }));
      return look.kind === 'settled' && look.adapter.unnamed ? giveNames(desk, look.adapter) : look;
    },
    failed: (statusDetails) => fail(desk, adapter, statusDetails),
  });

/** One that was in service is loaded anew when its pause is over, and what is left of its last try is gone. */
async function tryAgain(desk: DeployDesk, adapter: Adapter, down: Look): Promise<Look> {
  const nowMs = desk.world.clock();
  const outage = dueOutage(adapter, nowMs);
  if (down.kind !== 'settled' || outage === undefined) return down;
  await move(desk, down.adapter, (found) => loadAnew(found, nowMs, outage.why));
  return WAITING;
}

/** Off every endpoint that may have it; its own names go with it, unless it is soon tried again. */
async function takeDown(desk: DeployDesk, adapter: Adapter): Promise<Look> {
  if (adapter.outage === undefined) await takeNames(desk, adapter);
  const { endpoint = null, move: moving } = adapter;
  const places = moving === undefined ? [endpoint] : [endpoint, moving.endpoint];
  let gone = true;
  for (const place of places) gone = (await removeFrom(desk, adapter, place)) && gone;
  if (!gone) return WAITING;
  return moving === undefined ? { kind: 'settled', adapter } : move(desk, adapter, settle);
}

async function fail(desk: DeployDesk, adapter: Adapter, statusDetails: string): Promise<Look> {
  desk.countFailure();
  desk.log('an adapter could not be deployed', { adapterId: adapter.id, statusDetails });
  await move(desk, adapter, (found) => failedToLoad(found, desk.world.clock(), statusDetails));
  // Its component, if there is one, is taken down by the next look.
  return WAITING;
}
