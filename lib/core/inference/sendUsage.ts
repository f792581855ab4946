import type { UsageSink } from '#core/metering/ports.ts';
import type { UsageEvent } from '#core/metering/types.ts';
import type { InferenceLog } from './ports.ts';

/** Attempts beyond the driver's own retries, which wait in between. */
const SEND_ATTEMPTS = 3;

/**
 * Hands a usage event over for settlement; never throws, because the answer is already the client's. An event that
 * could not be sent is logged whole, so that it can be sent again by hand; its hold expires meanwhile.
 */
export async function sendUsage(
  { usage, log }: { readonly usage: UsageSink; readonly log: InferenceLog },
  event: UsageEvent,
): Promise<void> {
  let error: unknown;
  for (let attempt = 1; attempt <= SEND_ATTEMPTS; attempt++) {
    try {
      return await usage.send(event);
    } catch (thrown) {
      error = thrown;
    }
  }
  log.unsentUsage(event, error);
}
