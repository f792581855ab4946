import type { ProviderUnavailable } from '#core/billing/ports.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import type { Clock } from '#core/shared/world.ts';
import type { SubscriptionProvider, SubscriptionQueue, SubscriptionStore } from './ports.ts';
import type { SubscriptionRecord } from './types.ts';

export type FindDueDeps = {
  readonly provider: Pick<SubscriptionProvider, 'listSubscriptions'>;
  readonly store: Pick<SubscriptionStore, 'listLive' | 'readSubscription'>;
  readonly queue: SubscriptionQueue;
  readonly clock: Clock;
};

export type FoundSubscriptions = {
  readonly due: readonly string[];
  /** False when there was more than a run may read. */
  readonly isComplete: boolean;
};

const HOUR_MS = 3_600_000;
/** Dodo gives up on a webhook after 27.6 hours; nothing older can still arrive by itself. */
const LIST_SINCE_MS = 48 * HOUR_MS;
const PAGE = 100;
/** Ten thousand subscriptions. */
const MAX_PAGES = 100;
/** What nothing points at is looked at once a day. */
const LOOK_AGAIN_MS = 24 * HOUR_MS;

/**
 * Queues every subscription that should be looked at: those whose month or billing period has ended, those that are
 * not simply active, those that left a step undone, and those at Dodo that no webhook told of.
 */
export async function findDueSubscriptions(
  deps: FindDueDeps,
): Promise<Result<FoundSubscriptions, ProviderUnavailable>> {
  const nowMs = deps.clock();
  const due = new Set<string>();
  let cursor: string | null = null;
  let isComplete = false;
  for (let page = 0; page < MAX_PAGES && !isComplete; page += 1) {
    const answer: Awaited<ReturnType<FindDueDeps['store']['listLive']>> = await deps.store.listLive({
      limit: PAGE,
      ...(cursor === null ? {} : { cursor }),
    });
    for (const record of answer.subscriptions) if (isDue(record, nowMs)) due.add(record.id);
    cursor = answer.nextCursor;
    isComplete = cursor === null;
  }
  const listed = await deps.provider.listSubscriptions(nowMs - LIST_SINCE_MS);
  if (listed.ok) {
    for (const id of listed.value.ids) {
      if (!due.has(id) && (await deps.store.readSubscription(id)) === undefined) due.add(id);
    }
  }
  for (const subscriptionId of due) {
    await deps.queue.send({
      webhookId: 'poll',
      type: 'poll',
      subscriptionId,
      status: null,
      pastDueEndsAtMs: null,
      // A refund whose webhook never came is found here too.
      readsPayments: true,
    });
  }
  if (!listed.ok) return err(listed.error);
  return ok({ due: [...due], isComplete: isComplete && listed.value.isComplete });
}

function isDue(record: SubscriptionRecord, nowMs: number): boolean {
  const { steps, status, usage, billing, updatedAtMs } = record;
  if (steps.length > 0 || status !== 'active') return true;
  if (nowMs >= billing.endMs || nowMs >= (usage?.period.endMs ?? 0)) return true;
  // Spread over the day by when each began, so that they do not come to Dodo all at once.
  return nowMs - updatedAtMs > LOOK_AGAIN_MS && Math.floor((nowMs - billing.startMs) / HOUR_MS) % 24 === 0;
}
