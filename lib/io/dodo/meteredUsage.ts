import type DodoPayments from 'dodopayments';
import * as z from 'zod/mini';
import type { MeteredAtProvider } from '#core/reconciliation/ports.ts';
import { err, ok } from '#core/shared/result.ts';
import { allPages } from './allPages.ts';
import { attempt } from './attempt.ts';

const Event = z.object({
  event_id: z.string(),
  metadata: z.nullish(z.object({ micro_credits: z.nullish(z.coerce.number()) })),
});

/** What Dodo's meter has of our events. */
export function makeMeteredUsage(client: () => Promise<DodoPayments>, eventName: string): MeteredAtProvider {
  return async ({ fromMs, toMs }) => {
    const dodo = await client();
    const range = { start: new Date(fromMs).toISOString(), end: new Date(toMs).toISOString() };
    const listed = await attempt(() =>
      allPages((page) => dodo.usageEvents.list({ ...page, ...range, event_name: eventName })),
    );
    if (!listed.ok) return err({ ...listed.error, code: 'payment_provider_unavailable' });
    const events = listed.value.items.map((item) => {
      const { event_id, metadata } = z.parse(Event, item);
      return { id: event_id, amountMicro: metadata?.micro_credits ?? 0 };
    });
    return ok({ events, isComplete: listed.value.isComplete });
  };
}
