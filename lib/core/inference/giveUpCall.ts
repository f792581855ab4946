import { freeUsageOf, type HeldCall } from './measureCall.ts';
import type { InferencePorts } from './ports.ts';
import { sendUsage } from './sendUsage.ts';

/**
 * Ends a held call that delivered nothing: the hold is returned, the failure is metered at no cost, the idempotency
 * key is free again. Never throws: what fails here is mended by the hold's expiry.
 */
export async function giveUpCall(ports: InferencePorts, call: HeldCall): Promise<void> {
  const tasks: Promise<unknown>[] = [
    ports.ledger.voidHold(call.caller.tenant.id, call.holdId),
    sendUsage(ports, freeUsageOf(ports.world, call)),
  ];
  if (call.claim !== undefined) tasks.push(ports.idempotency.release(call.claim));
  for (const outcome of await Promise.allSettled(tasks)) {
    if (outcome.status === 'rejected') {
      ports.log.error('a failed call could not be cleaned up: its hold will expire', {
        requestId: call.requestId,
        holdId: call.holdId,
        error: outcome.reason,
      });
    }
  }
}
