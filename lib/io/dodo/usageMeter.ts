import type DodoPayments from 'dodopayments';
import { err, ok } from '#core/shared/result.ts';
import type { UsageMeter } from '#core/subscriptions/overagePorts.ts';
import { allPages } from './allPages.ts';
import { attempt } from './attempt.ts';

/**
 * Whether the list goes by the time of an event or by when Dodo took it is not documented: it takes none that is older
 * than an hour or further ahead than five minutes, so a range that is wider by that holds them either way.
 */
const TAKEN_FOR_MS = 65 * 60_000;
const AHEAD_MS = 5 * 60_000;

/** The meter that overage is summed by, in µcr: `sum` over `micro_credits`. */
export function makeUsageMeter(client: () => Promise<DodoPayments>, eventName: string): UsageMeter {
  return {
    ingest: async (uses) => {
      const dodo = await client();
      return attempt(async () => {
        await dodo.usageEvents.ingest({
          events: uses.map(({ id, tenantId, customerId, amountMicro, atMs }) => ({
            event_id: id,
            customer_id: customerId,
            event_name: eventName,
            timestamp: new Date(atMs).toISOString(),
            // As a text, like Dodo's own sums: no number on the way may round it.
            metadata: { micro_credits: String(amountMicro), tenant_id: tenantId },
          })),
        });
        return null;
      });
    },
    listIds: async ({ fromMs, untilMs, maxCalls }) => {
      const dodo = await client();
      const range = {
        start: new Date(fromMs - AHEAD_MS).toISOString(),
        end: new Date(untilMs + TAKEN_FOR_MS).toISOString(),
      };
      const listed = await attempt(() =>
        allPages((page) => dodo.usageEvents.list({ ...page, ...range, event_name: eventName }), maxCalls),
      );
      if (!listed.ok) return err({ ...listed.error, code: 'payment_provider_unavailable' });
      const { items, isComplete, pages } = listed.value;
      return ok({ ids: new Set(items.map(({ event_id }) => event_id)), isComplete, calls: pages });
    },
    has: async (id) => {
      const dodo = await client();
      const found = await attempt(() => dodo.usageEvents.retrieve(id));
      if (found.ok) return ok(true);
      const { code, detail } = found.error;
      return code === 'payment_provider_refused' ? ok(false) : err({ code, detail });
    },
  };
}
