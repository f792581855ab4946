import { prepaid } from '#core/ledger/account.ts';
import type { Ledger } from '#core/ledger/ports.ts';
import type { TenantId } from '#core/shared/ids.ts';
import type { RefillQueue, RefillStore } from './ports.ts';
import type { RefillState } from './types.ts';

export type AskDeps = {
  readonly store: Pick<RefillStore, 'read'>;
  readonly ledger: Pick<Ledger, 'readAccount'>;
  readonly queue: RefillQueue;
};

/**
 * After a tenant's credits went down: asks for a refill where one may be due. `off`: the tenant wants none, so that
 * its next settlements need not ask. Whether a refill really begins is decided by `refillTenant` alone.
 */
export async function askForRefill(deps: AskDeps, tenantId: TenantId): Promise<'off' | 'asked' | 'not_now'> {
  const state = await deps.store.read(tenantId);
  if (state === undefined || !state.settings.isEnabled) return 'off';
  if (!(await mayBeDue(deps, state))) return 'not_now';
  await deps.queue.send({ tenantId });
  return 'asked';
}

/** Whether credits are below the threshold and nothing of what is known here stands against a refill. */
export async function mayBeDue({ ledger }: Pick<AskDeps, 'ledger'>, state: RefillState): Promise<boolean> {
  if (!state.settings.isEnabled || state.stopped !== null || state.open !== null) return false;
  const account = await ledger.readAccount(state.tenantId);
  return account !== undefined && prepaid(account) < state.settings.thresholdMicro;
}
