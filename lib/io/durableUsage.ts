import type { KeptUsage, UsageSink } from '#core/metering/ports.ts';

/** A sink whose events are durable also while the queue is away: then they are kept, and `resend-usage` sends them. */
export const makeDurableUsage = (
  queue: UsageSink,
  kept: Pick<KeptUsage, 'keep'>,
  onKept: (error: unknown) => void,
): UsageSink => ({
  send: async (event) => {
    try {
      await queue.send(event);
    } catch (error) {
      await kept.keep(event);
      onKept(error);
    }
  },
});
