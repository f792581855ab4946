import { afterAll, beforeAll, expect, test } from 'vitest';
import { findMissedPayments } from '#core/billing/findMissedPayments.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { formatCredits } from '#core/shared/money.ts';
import { startTestBilling, type TestBilling } from '#test/builders/billing.ts';

let billing: TestBilling;
beforeAll(async () => {
  billing = await startTestBilling();
  // No webhook arrives in this file.
  await billing.dodo.post('/_sim/faults', { webhooks: { hold: true } });
});
afterAll(() => billing.stop());

const find = () =>
  findMissedPayments({
    ...billing.applyDeps,
    ...billing.receiveDeps,
    provider: billing.provider,
    store: billing.store,
  });

const available = async (tenantId: TenantId): Promise<string> => {
  const account = await billing.ledger.readAccount(tenantId);
  return account === undefined ? 'no account' : formatCredits(account.availableMicro);
};

test('payments, refunds and disputes without a webhook are found, each once', async () => {
  const tenantId = await billing.newTenant();
  const paymentId = await billing.pay(await billing.checkout(tenantId));
  for (const [happens, left] of [
    [async () => undefined, '50'],
    [() => billing.dodo.post('/_sim/refund', { payment_id: paymentId, amount: 1_000 }), '40'],
    [() => billing.dodo.post('/_sim/dispute', { payment_id: paymentId, status: 'opened' }), '0'],
  ] as const) {
    await happens();
    expect(await find()).toMatchObject({ value: { missed: [paymentId], isComplete: true } });
    await billing.settle();
    expect(await available(tenantId)).toBe(left);
    expect(await find()).toMatchObject({ value: { missed: [] } });
  }
});

test('what failed, or belongs to no checkout of ours, is left alone', async () => {
  const tenantId = await billing.newTenant();
  const checkout = await billing.checkout(tenantId);
  await billing.dodo.post(`/checkout/${checkout.session.id}/fail`);
  const link = await fetch(`${billing.dodo.url}/buy/pdt_pack_50`, { redirect: 'manual' });
  const other = await billing.dodo.post(`${link.headers.get('location')}/pay`);
  await billing.dodo.post('/_sim/refund', { payment_id: other['payment_id'] });
  expect(await find()).toMatchObject({ value: { missed: [] } });
});

test('steps that a crash left undone are found', async () => {
  const tenantId = await billing.newTenant();
  const paymentId = await billing.pay(await billing.checkout(tenantId));
  await find();
  await billing.settle();
  const record = await billing.store.readPayment(paymentId);
  if (record === undefined) throw new Error('the payment was not recorded');
  await billing.store.markApplied(paymentId, record.version, 0);
  expect(await find()).toMatchObject({ value: { missed: [paymentId] } });
  await billing.settle();
  expect(await available(tenantId)).toBe('50');
  expect(await find()).toMatchObject({ value: { missed: [] } });
});

test('more than a page is read to its end', async () => {
  const tenantId = await billing.newTenant();
  const paymentId = await billing.pay(await billing.checkout(tenantId));
  for (let refund = 0; refund < 101; refund += 1) {
    await billing.dodo.post('/_sim/refund', { payment_id: paymentId, amount: 10 });
  }
  const { value } = Object(await billing.provider.listRecent({ paymentsSinceMs: 0, disputesSinceMs: 0 }));
  expect(
    value.refunds.filter((refund: { paymentId: string }) => refund.paymentId === paymentId),
  ).toHaveLength(101);
  await find();
  await billing.settle();
  expect(await available(tenantId)).toBe('39.9');
});

test('Dodo being down is an error, and nothing is queued', async () => {
  await billing.dodo.post('/_sim/faults', { api: [{ path: '/refunds', kind: 500 }] });
  expect(await find()).toMatchObject({ ok: false, error: { code: 'payment_provider_unavailable' } });
  expect(billing.queue).toEqual([]);
});
