import type { KeptUsage, UsageSink } from './ports.ts';

/** So many at a time, so often in one run: what an hour without the queue leaves behind is gone in some minutes. */
const PAGE = 100;
const MAX_PAGES = 50;

/**
 * Offers kept usage events to the queue again, oldest first, and forgets what it took. An event that is sent twice,
 * because forgetting it failed, is settled once. Throws what the queue throws: the rest stays kept for the next run.
 */
export async function resendUsage(deps: {
  readonly kept: Omit<KeptUsage, 'keep'>;
  readonly usage: UsageSink;
}): Promise<{ readonly sent: number }> {
  let sent = 0;
  for (let page = 0; page < MAX_PAGES; page++) {
    const events = await deps.kept.oldest(PAGE);
    await Promise.all(
      events.map(async (event) => {
        await deps.usage.send(event);
        await deps.kept.forget(event);
        sent += 1;
      }),
    );
    if (events.length < PAGE) break;
  }
  return { sent };
}
