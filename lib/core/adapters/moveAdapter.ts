import type { Adapter, AdapterStatus } from './types.ts';

/** Every way an adapter may go, and no other. */
export const TRANSITIONS: Readonly<Record<AdapterStatus, readonly AdapterStatus[]>> = {
  registered: ['deploying', 'retired'],
  deploying: ['deployed', 'failed', 'registered'],
  // Deploying again: its component was lost, or it is to be proven anew.
  deployed: ['deploying', 'registered'],
  failed: ['deploying', 'registered', 'retired'],
  // The same content came again.
  retired: ['registered'],
};

export const mayMove = (from: AdapterStatus, to: AdapterStatus): boolean => TRANSITIONS[from].includes(to);

/** The adapter in its next status; an outage ends with being deployed, or being taken down. Throws when the table does not allow it: whoever decides looks first. */
export function moveAdapter(
  adapter: Adapter,
  to: AdapterStatus,
  nowMs: number,
  changed: Partial<Pick<Adapter, 'statusDetails' | 'fingerprint'>> = {},
): Adapter {
  if (!mayMove(adapter.status, to)) throw new Error(`an adapter cannot go from ${adapter.status} to ${to}`);
  const { outage, ...rest } = adapter;
  const isStillOut = outage !== undefined && (to === 'deploying' || to === 'failed');
  return {
    ...rest,
    ...(isStillOut ? { outage } : {}),
    statusDetails: null,
    ...changed,
    status: to,
    statusAtMs: nowMs,
    version: adapter.version + 1,
  };
}
