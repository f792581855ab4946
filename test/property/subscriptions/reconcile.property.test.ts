import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CheckoutId, TenantId } from '#core/shared/ids.ts';
import { reconcileSubscription } from '#core/subscriptions/reconcileSubscription.ts';
import { canReach, SUBSCRIPTION_STATUSES, TRANSITIONS } from '#core/subscriptions/status.ts';
import type {
  ObservedSubscription,
  SubscriptionCheckout,
  SubscriptionRecord,
  SubscriptionStep,
} from '#core/subscriptions/types.ts';
import { addMonths } from '#core/subscriptions/usagePeriod.ts';
import { NOON_MS, testId } from '#test/builders/ledger.ts';
import { runs } from '#test/builders/runs.ts';
import { PLANS } from '#test/builders/subscriptions.ts';

const CHECKOUT: SubscriptionCheckout = {
  id: testId<CheckoutId>('checkout', '1'),
  tenantId: testId<TenantId>('tenant', '1'),
  customerId: 'cus_1',
  planId: 'essentials',
  interval: 'monthly',
  addOns: [],
  withSetup: false,
  returnUrl: null,
  idempotencyKey: null,
  createdAtMs: NOON_MS,
  session: null,
};

/** A subscription's states in the order in which it really had them. */
const product = fc.constantFrom('pdt_essentials_monthly', 'pdt_growth_monthly', 'pdt_essentials_annual');
const history = fc
  .array(fc.record({ pick: fc.nat(7), renews: fc.boolean(), product, waits: fc.nat(40) }), {
    minLength: 1,
    maxLength: 12,
  })
  .map((steps): readonly { readonly observed: ObservedSubscription; readonly nowMs: number }[] => {
    let status: ObservedSubscription['status'] = 'pending';
    let [startMs, nowMs] = [NOON_MS, NOON_MS];
    return steps.map(({ pick, renews, product, waits }) => {
      const next = TRANSITIONS[SUBSCRIPTION_STATUSES.find((one) => one === status) ?? 'pending'];
      status = next.length === 0 ? status : (next[pick % next.length] ?? status);
      nowMs += waits * 86_400_000;
      const months = product.endsWith('annual') ? 12 : 1;
      while (renews && addMonths(startMs, months) <= nowMs) startMs = addMonths(startMs, months);
      const observed = {
        id: 'sub_1',
        status,
        productId: product,
        addOns: [],
        customerId: 'cus_1',
        checkoutId: CHECKOUT.id,
        createdAtMs: NOON_MS,
        billing: { startMs, endMs: addMonths(startMs, months) },
        cancelAtPeriodEnd: false,
        scheduledChange: null,
      };
      return { observed, nowMs };
    });
  });

type Seen = { readonly observed: ObservedSubscription; readonly nowMs: number };

/** Every look, and what the ledger would have been asked to do in all. */
function replay(looks: readonly Seen[], deliveredSteps: boolean) {
  let record: SubscriptionRecord | undefined;
  const steps: SubscriptionStep[] = [];
  for (const { observed, nowMs } of looks) {
    record = reconcileSubscription({ catalogue: PLANS, checkout: CHECKOUT, record, observed, nowMs });
    const known = new Set(steps.map((step) => `${step.kind} ${step.sourceId}`));
    steps.push(...record.steps.filter((step) => !known.has(`${step.kind} ${step.sourceId}`)));
    if (deliveredSteps) record = { ...record, steps: [] };
  }
  return { record, steps };
}

/** What is within reach of what was granted, after all steps in their order. */
function withinReach(steps: readonly SubscriptionStep[]): ReadonlySet<string> {
  const reach = new Set<string>();
  for (const { kind, grantId } of steps) {
    if (kind === 'freeze') reach.delete(grantId);
    else reach.add(grantId);
  }
  return reach;
}

test('looks that are repeated change nothing, whether or not the steps between were done', () => {
  fc.assert(
    fc.property(
      history,
      fc.array(fc.nat(3), { minLength: 12, maxLength: 12 }),
      fc.boolean(),
      (looks, copies, done) => {
        const repeated = looks.flatMap((look, n) => Array.from({ length: 1 + (copies[n] ?? 0) }, () => look));
        expect(replay(repeated, done).steps).toEqual(replay(looks, done).steps);
      },
    ),
    { numRuns: runs(300).numRuns },
  );
});

test('one month gives one plan’s usage once, and no source asks the ledger for two things of a kind', () => {
  fc.assert(
    fc.property(history, (looks) => {
      const { steps } = replay(looks, true);
      const asked = steps.map((step) => `${step.kind} ${step.sourceId}`);
      expect(new Set(asked).size).toBe(asked.length);
      const granted = steps.filter((step) => step.kind === 'grant').map((step) => step.grantId);
      expect(new Set(granted).size).toBe(granted.length);
    }),
    { numRuns: runs(300).numRuns },
  );
});

test('whatever happened on the way, usage is within reach exactly while the plan is open', () => {
  fc.assert(
    fc.property(history, (looks) => {
      const { record, steps } = replay(looks, true);
      const open = record?.status === 'active' || record?.status === 'past_due';
      const now = grantIdsOf(record).filter((id) => withinReach(steps).has(id));
      expect(now).toEqual(open ? grantIdsOf(record) : []);
    }),
    { numRuns: runs(300).numRuns },
  );
});

test('what has ended never begins again, whatever is shown later', () => {
  fc.assert(
    fc.property(history, history, (first, second) => {
      const ended = first.map((look) => ({ ...look, observed: { ...look.observed, status: 'cancelled' } }));
      const before = replay(ended, true);
      const after = replay([...ended, ...second], true);
      expect(after.record?.status).toBe('cancelled');
      expect(after.steps).toEqual(before.steps);
    }),
    { numRuns: runs(200).numRuns },
  );
});

test('of any two looks at the same time the plan that includes more decides, in either order', () => {
  const look = (productId: string): Seen => ({
    nowMs: NOON_MS + 86_400_000,
    observed: {
      id: 'sub_1',
      status: 'active',
      productId,
      addOns: [],
      customerId: 'cus_1',
      checkoutId: CHECKOUT.id,
      createdAtMs: NOON_MS,
      billing: { startMs: NOON_MS, endMs: addMonths(NOON_MS, 1) },
      cancelAtPeriodEnd: false,
      scheduledChange: null,
    },
  });
  const total = (looks: readonly Seen[]) =>
    replay(looks, true).steps.reduce((sum, step) => sum + (step.kind === 'grant' ? step.amountMicro : 0), 0);
  const up = total([look('pdt_essentials_monthly'), look('pdt_growth_monthly')]);
  const upAndDown = [
    look('pdt_essentials_monthly'),
    look('pdt_growth_monthly'),
    look('pdt_essentials_monthly'),
  ];
  // 700 of Essentials, and of the 1,400 more that Growth has the share of the 30 days left of 31.
  expect(up).toBe(700_000_000 + Math.floor((400_000_000 * 30) / 31) + Math.floor((1_000_000_000 * 30) / 31));
  expect(total([...upAndDown, ...upAndDown])).toBe(up);
});

const grantIdsOf = (record: SubscriptionRecord | undefined) =>
  (record?.usage?.grants ?? []).map(({ grantId }) => grantId);

test('every state but those that end leads on, and nothing leads back to the beginning', () => {
  for (const status of SUBSCRIPTION_STATUSES) {
    expect(canReach(status, 'pending')).toBe(status === 'pending');
    if (TRANSITIONS[status].length > 0) expect(canReach(status, 'cancelled')).toBe(true);
  }
});
