import type { CheckoutId, TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import type { ChosenAddOn, Interval } from '#core/subscriptions/plan.ts';
import { reconcileSubscription } from '#core/subscriptions/reconcileSubscription.ts';
import type { Agency } from './agency.ts';
import { aUsageEvent, testId } from './ledger.ts';

export type Client = Awaited<ReturnType<Agency['newTenant']>>;

const DAY_MS = 86_400_000;
const PACK_MINOR = 5_000;

export const at = (time: string): number => Date.parse(time);

type Seen = {
  readonly plan?: string;
  readonly status?: string;
  readonly interval?: Interval;
  readonly addOns?: readonly ChosenAddOn[];
  readonly id?: string;
};

/** What happens to the clients of an agency, at moments that a test names. */
export function makeClientHistory(agency: Agency) {
  /** What our look at a client's subscription makes of what Dodo shows at a moment. */
  async function look(client: Client, time: string, seen: Seen): Promise<void> {
    const { catalogue, store } = agency.deps.subscriptions;
    const { plan = 'essentials', status = 'active', interval = 'monthly', addOns = [], id = '1' } = seen;
    const subscriptionId = `sub_${client.id}_${id}`;
    const record = await store.readSubscription(subscriptionId);
    const nowMs = at(time);
    const product = catalogue.plans.find((one) => one.id === plan)?.prices[interval].productId ?? '';
    const tenantId = client.id as TenantId;
    const checkoutId = testId<CheckoutId>('checkout', `${client.id.slice(4)}${id}`);
    const next = reconcileSubscription({
      catalogue,
      record,
      checkout: {
        id: checkoutId,
        tenantId,
        customerId: 'cus_1',
        planId: plan,
        interval,
        addOns,
        withSetup: false,
        returnUrl: null,
        idempotencyKey: null,
        createdAtMs: nowMs,
        session: null,
      },
      observed: {
        id: subscriptionId,
        status,
        productId: product,
        addOns: addOns.map(({ id: addOn, quantity }) => ({
          addOnId: catalogue.addOns.find((one) => one.id === addOn)?.prices[interval].productId ?? '',
          quantity,
        })),
        customerId: 'cus_1',
        checkoutId,
        createdAtMs: record?.createdAtMs ?? nowMs,
        billing: { startMs: nowMs, endMs: nowMs + 30 * DAY_MS },
        cancelAtPeriodEnd: false,
        scheduledChange: null,
      },
      nowMs,
    });
    if (next !== record && !(await store.saveSubscription(next))) throw new Error('somebody was faster');
  }

  /** A call of a client that kept the engine busy for so long. */
  const used = (client: Client, time: string, computeMs: number) =>
    agency.deps.ledger.settle(client.id as TenantId, [
      {
        event: aUsageEvent(client.id as TenantId, `${client.id.slice(4)}-${at(time)}`, {
          startedAtMs: at(time),
          model: 'support',
          computeMs,
        }),
        amountMicro: micro(2_500_000),
      },
    ]);

  /** A pack that a client paid for, as our mirror of the payments has it. */
  async function paid(client: Client, time: string, refundedMinor = 0, disputes: readonly string[] = []) {
    const { store, catalogue } = agency.deps.credits;
    const [pack] = catalogue.packs;
    if (pack === undefined) throw new Error('no pack');
    const id = `${client.id.slice(4)}${at(time)}`;
    const { checkout } = await store.createCheckout({
      id: testId<CheckoutId>('checkout', id),
      tenantId: client.id as TenantId,
      customerId: 'cus_1',
      pack,
      quantity: 2,
      returnUrl: null,
      idempotencyKey: null,
      createdAtMs: at(time),
      session: null,
      mandateId: null,
      paymentId: null,
    });
    await store.savePayment({
      id: `pay_${id}`,
      version: 1,
      tenantId: checkout.tenantId,
      checkoutId: checkout.id,
      outcome: 'granted',
      reason: null,
      review: [],
      status: 'succeeded',
      totalMinor: 2 * PACK_MINOR + 1_900, // 19 % of tax
      currency: 'USD',
      refundedMinor,
      disputeStatuses: disputes,
      subscriptionId: null,
      steps: [],
      appliedSteps: 0,
      createdAtMs: at(time),
    });
  }

  return { look, used, paid };
}
