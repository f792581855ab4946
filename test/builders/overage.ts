import type { TenantId } from '#core/shared/ids.ts';
import { reportUsage } from '#core/subscriptions/reportUsage.ts';
import { aCharge } from './ledger.ts';
import type { TestSubscriptions } from './subscriptions.ts';

const CREDIT = 1_000_000;

/** Calls beyond what is prepaid, and what becomes of them. */
export function overageOf(subs: () => TestSubscriptions) {
  const faults = (api: readonly unknown[]) => subs().billing.dodo.post('/_sim/faults', { api });

  let calls = 0;
  /** Calls of one tenant, each costing the amount, begun so long ago. */
  async function use(tenantId: TenantId, amounts: readonly number[], agoMs = 0): Promise<void> {
    const charges = amounts.map((amount) => {
      calls += 1;
      const startedAtMs = subs().clock.nowMs - agoMs;
      return aCharge(tenantId, `o${calls}`, amount, { startedAtMs, endedAtMs: startedAtMs + 100 });
    });
    await subs().billing.ledger.settle(tenantId, charges);
  }

  const report = (ports: Pick<TestSubscriptions, 'outbox' | 'meter'> = subs()) =>
    reportUsage({
      outbox: ports.outbox,
      meter: ports.meter,
      directory: subs().billing.directory,
      clock: () => subs().clock.nowMs,
    });

  /** A tenant whose included usage is used up, so that whatever follows is overage. */
  async function spentTenant(): Promise<{ readonly tenantId: TenantId; readonly subscriptionId: string }> {
    const tenantId = await subs().billing.newTenant();
    const subscriptionId = await subs().subscribe(tenantId);
    await subs().settle();
    await use(tenantId, [200 * CREDIT]);
    return { tenantId, subscriptionId };
  }

  /** What Dodo's meter has of a subscription that no invoice has billed yet, in µcr. */
  async function metered(subscriptionId: string): Promise<number> {
    const { items } = await subs().billing.dodo.sdk.subscriptions.retrieveUsageHistory(subscriptionId, {
      page_number: 0,
    });
    return Number(items[0]?.meters[0]?.consumed_units);
  }
  const waiting = async (tenantId: TenantId) =>
    (await subs().outbox.pending(1_000)).filter((use) => use.tenantId === tenantId);

  return { faults, use, report, spentTenant, metered, waiting };
}
