import type DodoPayments from 'dodopayments';
import { err, ok } from '#core/shared/result.ts';
import type { UsageMeter } from '#core/subscriptions/overagePorts.ts';
import { attempt } from './attempt.ts';

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
    has: async (id) => {
      const dodo = await client();
      const found = await attempt(() => dodo.usageEvents.retrieve(id));
      if (found.ok) return ok(true);
      const { code, detail } = found.error;
      return code === 'payment_provider_refused' ? ok(false) : err({ code, detail });
    },
  };
}
