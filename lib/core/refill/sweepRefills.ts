import type { TenantId } from '#core/shared/ids.ts';
import type { Clock } from '#core/shared/world.ts';
import { type AskDeps, mayBeDue } from './askForRefill.ts';
import type { RefillStore } from './ports.ts';
import { awaitsMandate } from './refillRules.ts';

const STATES_A_PAGE = 100;
/** A hundred thousand tenants with refills; a run that long has met its function's time limit before. */
const MAX_PAGES = 1_000;
/** An intent that is open for longer is a fault: of ours, of Dodo's, or of the bank. */
const STUCK_AFTER_MS = 24 * 3_600_000;

export type SweepRefillsDeps = Pick<AskDeps, 'ledger' | 'queue'> & {
  readonly store: Pick<RefillStore, 'listActive'>;
  readonly clock: Clock;
};

export type SweptRefills = { readonly asked: number; readonly stuck: readonly TenantId[] };

/**
 * Asks for every refill that has something to do: an open intent, credits below the threshold, a payment method that
 * was just given. So a trigger that was lost costs a minute and no more. A refill that has nothing to do rests.
 */
export async function sweepRefills(deps: SweepRefillsDeps): Promise<SweptRefills> {
  const nowMs = deps.clock();
  const stuck: TenantId[] = [];
  let asked = 0;
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { states, nextCursor } = await deps.store.listActive({
      limit: STATES_A_PAGE,
      ...(cursor === null ? {} : { cursor }),
    });
    for (const state of states) {
      if (state.open !== null && nowMs - state.open.createdAtMs > STUCK_AFTER_MS) stuck.push(state.tenantId);
      if (state.open === null && !awaitsMandate(state, nowMs) && !(await mayBeDue(deps, state))) continue;
      await deps.queue.send({ tenantId: state.tenantId });
      asked += 1;
    }
    cursor = nextCursor;
    if (cursor === null) break;
  }
  return { asked, stuck };
}
