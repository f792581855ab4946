import type { SlotLimits } from './ports.ts';
import { takesSlot } from './transitions.ts';
import type { TrainingJob } from './types.ts';

/**
 * The waiting jobs whose turn it is, in order: the tenant with the fewest jobs at work is next, and of its jobs the
 * oldest; between tenants with as many, the one whose job waits longest. Nobody gets more than its share, so a
 * hundred jobs of one tenant do not keep another's waiting. Jobs that were put off are passed over until their time.
 */
export function pickNext(
  open: readonly TrainingJob[],
  slots: SlotLimits,
  nowMs: number,
): readonly TrainingJob[] {
  const atWork = new Map<string, number>();
  for (const job of open) if (takesSlot(job)) atWork.set(job.tenantId, (atWork.get(job.tenantId) ?? 0) + 1);
  let free = slots.overall - [...atWork.values()].reduce((sum, count) => sum + count, 0);
  const waiting = open.filter((job) => job.state === 'waiting' && job.putOff.untilMs <= nowMs);
  const queue = [...waiting].sort(byAge);
  const picked: TrainingJob[] = [];
  while (free > 0) {
    const next = fewest(queue, atWork, slots.perTenant);
    if (next === undefined) break;
    queue.splice(queue.indexOf(next), 1);
    atWork.set(next.tenantId, (atWork.get(next.tenantId) ?? 0) + 1);
    picked.push(next);
    free -= 1;
  }
  return picked;
}

/** The oldest job of those whose tenant has the fewest at work. */
function fewest(
  queue: readonly TrainingJob[],
  atWork: ReadonlyMap<string, number>,
  perTenant: number,
): TrainingJob | undefined {
  let [found, count] = [undefined as TrainingJob | undefined, perTenant];
  for (const job of queue) {
    const has = atWork.get(job.tenantId) ?? 0;
    if (has < count) [found, count] = [job, has];
  }
  return found;
}

const byAge = (a: TrainingJob, b: TrainingJob): number =>
  a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1);
