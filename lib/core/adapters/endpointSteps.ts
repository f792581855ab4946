import { changeAdapter } from './changeAdapter.ts';
import type { DeployDesk, EndpointRefused } from './ports.ts';
import { proveAdapter } from './proveAdapter.ts';
import { type Adapter, archiveKey, componentNameOf, type Fingerprint } from './types.ts';

// The steps of a look: each asks the endpoint one thing and leaves the rest to the next look.

/** What a look at an adapter found: its end, or something to wait for. */
export type Look =
  | { readonly kind: 'settled'; readonly adapter: Adapter }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'unknown' };

export const WAITING: Look = { kind: 'waiting' };

/** Loading takes minutes at SageMaker, and so does waking the base up; what takes longer will not come. */
const DEPLOY_WITHIN_MS = 40 * 60_000;

/** What becomes of an adapter that is brought into service, by what came out. */
export type Outcome = {
  /** When it began. */
  readonly sinceMs: number;
  readonly proven: (fingerprint: Fingerprint) => Promise<Look>;
  readonly failed: (why: string) => Promise<Look>;
};

/** Brings an adapter one step nearer to being proven on the endpoint that it names. */
export async function bringInto(desk: DeployDesk, adapter: Adapter, outcome: Outcome): Promise<Look> {
  if (desk.world.clock() - outcome.sinceMs > DEPLOY_WITHIN_MS)
    return outcome.failed('deploy_timed_out: it was not in service in time.');
  const name = componentNameOf(adapter.id, adapter.endpoint);
  const component = await desk.endpoint.describe(name);
  if (component === undefined) return create(desk, adapter, { name, outcome });
  switch (component.status) {
    case 'creating':
    case 'deleting':
      return WAITING;
    case 'failed':
      return outcome.failed(`component_failed: ${component.failureReason ?? 'no reason is known'}`);
    case 'in_service':
      return prove(desk, adapter, outcome);
    default:
      return component.status satisfies never;
  }
}

async function create(
  desk: DeployDesk,
  adapter: Adapter,
  { name, outcome }: { readonly name: string; readonly outcome: Outcome },
): Promise<Look> {
  const created = await desk.endpoint.create(name, archiveKey(adapter), adapter.endpoint);
  return created.ok ? WAITING : waitOrFail(desk, adapter, { refused: created.error, outcome });
}

function waitOrFail(
  desk: DeployDesk,
  adapter: Adapter,
  { refused, outcome }: { readonly refused: EndpointRefused; readonly outcome: Outcome },
): Promise<Look> | Look {
  if (refused.code === 'invalid') return outcome.failed(`component_refused: ${refused.message}`);
  desk.log('the endpoint does not take an adapter now', { adapterId: adapter.id, refused });
  return WAITING;
}

async function prove(desk: DeployDesk, adapter: Adapter, outcome: Outcome): Promise<Look> {
  const proven = await proveAdapter(desk, adapter);
  if (proven === 'loading') return WAITING;
  return proven.ok
    ? outcome.proven(proven.value)
    : outcome.failed(`${proven.error.code}: ${proven.error.message}`);
}

/** Takes an adapter's component off an endpoint (null: the shared one), and says whether it is gone. */
export async function removeFrom(
  desk: DeployDesk,
  adapter: Adapter,
  endpoint: string | null,
): Promise<boolean> {
  const name = componentNameOf(adapter.id, endpoint ?? undefined);
  const component = await desk.endpoint.describe(name);
  if (component === undefined) return true;
  if (component.status === 'deleting') return false;
  const removed = await desk.endpoint.remove(name);
  if (removed.ok) return removed.value === 'gone';
  desk.log('the endpoint does not let go of an adapter now', { adapterId: adapter.id, removed });
  return false;
}

/** The adapter without its move. */
export const settle = ({ move: _, ...adapter }: Adapter): Adapter => ({
  ...adapter,
  version: adapter.version + 1,
});

/** Changes an adapter that is still as it was looked at; when it is not, the next look sees what it has become. */
export async function move(desk: DeployDesk, seen: Adapter, to: (found: Adapter) => Adapter): Promise<Look> {
  let moved = false;
  const ref = { tenantId: seen.tenantId, adapterId: seen.id };
  const adapter = await changeAdapter(desk, ref, (found) => {
    moved = found.version === seen.version;
    return moved ? to(found) : undefined;
  });
  return moved && adapter !== undefined ? { kind: 'settled', adapter } : WAITING;
}
