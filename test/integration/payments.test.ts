import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TenantId } from '#core/shared/ids.ts';
import { formatCredits } from '#core/shared/money.ts';
import { startTestBilling, type TestBilling } from '#test/builders/billing.ts';
import { entriesOn } from '#test/builders/ledger.ts';

let billing: TestBilling;
beforeAll(async () => {
  billing = await startTestBilling();
});
afterAll(() => billing.stop());

async function available(tenantId: TenantId): Promise<string> {
  const account = await billing.ledger.readAccount(tenantId);
  return account === undefined ? 'no account' : formatCredits(account.availableMicro);
}

async function boughtPack(packId = 'pack-50', quantity = 1) {
  const tenantId = await billing.newTenant();
  const checkout = await billing.checkout(tenantId, packId, quantity);
  const paymentId = await billing.pay(checkout);
  await billing.settle();
  return { tenantId, checkout, paymentId };
}

test('a paid checkout grants the pack once, however often its event comes', async () => {
  const { tenantId, checkout, paymentId } = await boughtPack('pack-200', 2);
  expect(await available(tenantId)).toBe('440');
  await billing.dodo.post('/_sim/redeliver', { payment_id: paymentId, times: 3 });
  await billing.settle();
  expect(await available(tenantId)).toBe('440');
  const entries = entriesOn(await billing.ledger.listEntries(tenantId, { limit: 100 }));
  expect(entries.map(({ kind, source }) => ({ kind, source }))).toEqual([
    { kind: 'grant', source: { kind: 'payment', id: paymentId } },
  ]);
  expect((await billing.store.readCheckout(checkout.id))?.paymentId).toBe(paymentId);
});

test('refunds in parts take back exactly what was granted', async () => {
  const { tenantId, paymentId } = await boughtPack();
  for (const amount of [333, 1, 2999, 1667]) {
    await billing.dodo.post('/_sim/refund', { payment_id: paymentId, amount });
    await billing.settle();
  }
  expect(await available(tenantId)).toBe('0');
});

test('a refund of a part with tax takes its share of the credits', async () => {
  const tenantId = await billing.newTenant();
  const checkout = await billing.checkout(tenantId);
  const paid = await billing.dodo.post(`/checkout/${checkout.session.id}/pay`, { tax_percent: 19 });
  await billing.settle();
  expect(await available(tenantId)).toBe('50');
  await billing.dodo.post('/_sim/refund', { payment_id: paid['payment_id'], amount: 1190 });
  await billing.settle();
  expect(await available(tenantId)).toBe('40');
});

test('a pending refund takes nothing until it succeeded', async () => {
  const { tenantId, paymentId } = await boughtPack();
  const refund = await billing.dodo.post('/_sim/refund', {
    payment_id: paymentId,
    amount: 1000,
    status: 'pending',
  });
  await billing.settle();
  expect(await available(tenantId)).toBe('50');
  await billing.dodo.post('/_sim/refund', { refund_id: refund['refund_id'], status: 'succeeded' });
  await billing.settle();
  expect(await available(tenantId)).toBe('40');
});

test.each([
  { statuses: ['opened'], left: '0' },
  { statuses: ['opened', 'challenged', 'won'], left: '50' },
  { statuses: ['opened', 'cancelled'], left: '50' },
  { statuses: ['opened', 'lost'], left: '0' },
  { statuses: ['accepted'], left: '0' },
  { statuses: ['opened', 'expired'], left: '0' },
  { statuses: ['opened', 'won', 'opened'], left: '0' },
  { statuses: ['opened', 'won', 'opened', 'won'], left: '50' },
])('a dispute that went $statuses leaves $left credits', async ({ statuses, left }) => {
  const { tenantId, paymentId } = await boughtPack();
  let disputeId: unknown;
  for (const status of statuses) {
    const dispute = await billing.dodo.post('/_sim/dispute', {
      payment_id: paymentId,
      status,
      ...(disputeId === undefined ? {} : { dispute_id: disputeId }),
    });
    disputeId = dispute['dispute_id'];
    await billing.settle();
  }
  expect(await available(tenantId)).toBe(left);
  const record = await billing.store.readPayment(paymentId);
  expect(record?.review).toEqual(statuses.includes('expired') ? ['dispute_expired'] : []);
});

test('a payment by a static link with forged metadata grants nothing and is listed for the agency', async () => {
  const tenantId = await billing.newTenant();
  const expensive = await billing.checkout(tenantId, 'pack-200', 100);
  const link = await fetch(
    `${billing.dodo.url}/buy/pdt_pack_50?metadata_checkout_id=${expensive.id}&metadata_tenant_id=${tenantId}&metadata_credits=999999`,
    { redirect: 'manual' },
  );
  const paid = await billing.dodo.post(`${link.headers.get('location')}/pay`);
  await billing.settle();

  expect(await available(tenantId)).toBe('0');
  const listed = await billing.store.listPayments({ needsAttention: true, limit: 100 });
  expect(listed.payments.find(({ id }) => id === paid['payment_id'])).toMatchObject({
    outcome: 'unmatched',
    reason: 'customer_mismatch',
  });
});

test('a payment that fails grants nothing, and the next attempt of the same checkout does', async () => {
  const tenantId = await billing.newTenant();
  const checkout = await billing.checkout(tenantId);
  await billing.dodo.post(`/checkout/${checkout.session.id}/fail`);
  await billing.settle();
  expect(await available(tenantId)).toBe('0');
  await billing.pay(checkout);
  await billing.settle();
  expect(await available(tenantId)).toBe('50');
});

test('a message waits while Dodo is down and is applied when it is back', async () => {
  const tenantId = await billing.newTenant();
  const checkout = await billing.checkout(tenantId);
  await billing.dodo.post('/_sim/faults', { api: [{ path: '/payments', kind: 500, times: 1 }] });
  await billing.pay(checkout);
  await expect(billing.settle()).rejects.toMatchObject({ code: 'payment_provider_unavailable' });
  expect(await available(tenantId)).toBe('0');
  await billing.settle();
  expect(await available(tenantId)).toBe('50');
});
