import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BillingStore } from '#core/billing/ports.ts';
import type { PaymentRecord } from '#core/billing/types.ts';
import { dayAt } from '#core/metering/periods.ts';
import { type ReconcileDeps, reconcileDay } from '#core/reconciliation/reconcileDay.ts';
import type { GrantId, TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import { makeLedgerStore } from '#io/dynamodb/ledgerStore.ts';
import { startTestBilling, type TestBilling } from '#test/builders/billing.ts';

// Dodo's money against ours. No webhook arrives in this file: whatever is applied, the reconciliation found.

const TODAY = dayAt(Date.now());

let billing: TestBilling;
let deps: ReconcileDeps;
beforeAll(async () => {
  billing = await startTestBilling();
  await billing.dodo.post('/_sim/faults', { webhooks: { hold: true } });
  deps = {
    directory: billing.directory,
    ledger: {
      ...makeLedgerStore(billing.database.client, `${billing.database.prefix}ledger`),
      archiveDue: async () => [],
      entriesOfHour: async function* () {},
    },
    archive: { callsOf: async () => undefined },
    lostCalls: { ofDay: async () => [] },
    provider: billing.provider,
    billing: billing.store,
    subscriptions: { readSubscription: async () => undefined },
    queue: billing.receiveDeps.queue,
    meteredAtDodo: async () => ({ ok: true, value: { events: [], isComplete: true } }),
    outbox: { pending: async () => [] },
    lateUsage: { list: async () => ({ uses: [], nextCursor: null }) },
    jobs: { ofMonth: async () => [] },
    awsCosts: { ofMonth: async () => ({ ok: true, value: undefined }) },
    aws: { endpoints: [], jobNamePrefix: 'tunegate-test', endpointOfCall: async () => undefined },
    store: { save: async () => undefined },
    clock: Date.now,
  };
});
afterAll(() => billing.stop());

const reconcile = async (over: Partial<ReconcileDeps> = {}) => {
  const report = await reconcileDay({ ...deps, ...over }, TODAY);
  return { ...report, found: report.differences.map(({ pair, id, cause }) => [pair, id, cause]) };
};

/** A payment of 50 that was applied. */
async function paid() {
  const tenantId = await billing.newTenant();
  const paymentId = await billing.pay(await billing.checkout(tenantId));
  await reconcile();
  await billing.settle();
  return { tenantId, paymentId };
}

const refund = (paymentId: string, amount: number) =>
  billing.dodo.post('/_sim/refund', { payment_id: paymentId, amount });
const dispute = (paymentId: string, status: string) =>
  billing.dodo.post('/_sim/dispute', { payment_id: paymentId, status });

/** The store as it is when somebody has changed what it says of one payment. */
const changed = (id: string, change: (record: PaymentRecord) => PaymentRecord): BillingStore => ({
  ...billing.store,
  readPayment: async (asked) => {
    const record = await billing.store.readPayment(asked);
    return record === undefined || asked !== id ? record : change(record);
  },
});

const availableOf = async (tenantId: TenantId) =>
  (await billing.ledger.readAccount(tenantId))?.availableMicro;

test('a refund and a dispute that no webhook told of are found, applied, and agree from then on', async () => {
  const { tenantId, paymentId } = await paid();
  for (const [happens, leftMicro] of [
    [() => refund(paymentId, 1_000), 40_000_000],
    [() => refund(paymentId, 500), 35_000_000],
    [() => dispute(paymentId, 'opened'), 0],
    [() => dispute(paymentId, 'lost'), 0],
  ] as const) {
    await happens();
    expect((await reconcile()).found).toEqual([['ledger_refunds', paymentId, 'webhook_missed']]);
    await billing.settle();
    expect(await availableOf(tenantId)).toBe(leftMicro);
    expect((await reconcile()).found).toEqual([]);
  }
  const totals = (await reconcile()).totals.find(({ pair }) => pair === 'ledger_refunds');
  expect(totals).toEqual({
    pair: 'ledger_refunds',
    compared: 1,
    leftMicro: 15_000_000,
    rightMicro: 15_000_000,
  });
});

test('a refund that is decided and not done is done', async () => {
  const { tenantId, paymentId } = await paid();
  await refund(paymentId, 1_000);
  await reconcile();
  await billing.settle();
  const record = await billing.store.readPayment(paymentId);
  await billing.store.markApplied(paymentId, record?.version ?? 0, 1);
  expect((await reconcile()).found).toEqual([['ledger_refunds', paymentId, 'not_applied_yet']]);
  await billing.settle();
  expect([await availableOf(tenantId), (await reconcile()).found]).toEqual([40_000_000, []]);
});

test('credits that were taken back without a refund, in another amount, or not at all, have no cause', async () => {
  const { tenantId, paymentId } = await paid();
  await refund(paymentId, 1_000);
  await reconcile();
  await billing.settle();
  const grantId = (await billing.store.readPayment(paymentId))?.steps.find(({ kind }) => kind === 'grant');
  if (grantId?.kind !== 'grant') throw new Error('the payment granted nothing');
  await billing.ledger.clawBack({
    tenantId,
    grantId: grantId.grantId satisfies GrantId,
    amountMicro: micro(3),
    source: { kind: 'refund', id: 'rfd_invented' },
    reason: 'nobody asked for it',
    actor: 'test',
    nowMs: Date.now(),
  });
  const invented = ['ledger_refunds', 'refund/rfd_invented', 'unknown'];
  expect((await reconcile()).found).toEqual([invented]);

  const book = deps.ledger;
  const withEntries = (change: (entry: { readonly amountMicro: number }) => unknown): typeof book => ({
    ...book,
    listEntries: async (tenant, query) => {
      const listed = await book.listEntries(tenant, query);
      if (!listed.ok || query.kind !== 'refund' || tenant !== tenantId) return listed;
      const entries = listed.value.entries.flatMap((entry) =>
        entry.source.id === 'rfd_invented' ? [] : ((change(entry) ?? []) as never),
      );
      return { ok: true, value: { ...listed.value, entries } };
    },
  });
  const mine = ['ledger_refunds', paymentId, 'unknown'];
  const less = await reconcile({ ledger: withEntries((entry) => ({ ...entry, amountMicro: -1 })) });
  expect(less.found).toEqual([mine]);
  const none = await reconcile({ ledger: withEntries(() => undefined) });
  expect(none.found).toEqual([mine]);
});

test('another currency or amount in our mirror has no cause', async () => {
  const { paymentId } = await paid();
  const inEuro = changed(paymentId, (record) => ({ ...record, currency: 'EUR' }));
  const dearer = changed(paymentId, (record) => ({ ...record, totalMinor: record.totalMinor + 1 }));
  for (const store of [inEuro, dearer]) {
    const { found, unknownCount } = await reconcile({ billing: store });
    expect(found).toContainEqual(['ledger_payments', paymentId, 'unknown']);
    expect(unknownCount).toBeGreaterThan(0);
  }
});

test('payments of our subscriptions are compared, those of other businesses are not', async () => {
  const customer = await billing.dodo.sdk.customers.create({ email: 's@client.example', name: 'S' });
  const session = await billing.dodo.sdk.checkoutSessions.create({
    product_cart: [{ product_id: 'pdt_growth_monthly', quantity: 1 }],
    customer: { customer_id: customer.customer_id },
  });
  const payment = await billing.dodo.post(`/checkout/${session.session_id}/pay`);
  const [id, subscription] = [String(payment['payment_id']), String(payment['subscription_id'])];
  expect((await reconcile()).found).not.toContainEqual(expect.arrayContaining([id]));

  const subscriptions: ReconcileDeps['subscriptions'] = {
    readSubscription: async (asked) => (asked === subscription ? ({} as never) : undefined),
  };
  expect((await reconcile({ subscriptions })).found).toContainEqual([
    'ledger_payments',
    id,
    'webhook_missed',
  ]);
  await billing.settle();
  expect((await reconcile({ subscriptions })).found).not.toContainEqual(expect.arrayContaining([id]));
  const halved = changed(id, (record) => ({ ...record, totalMinor: record.totalMinor / 2 }));
  expect((await reconcile({ subscriptions, billing: halved })).found).toContainEqual([
    'ledger_payments',
    id,
    'unknown',
  ]);
});
