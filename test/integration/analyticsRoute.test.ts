import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TenantId } from '#core/shared/ids.ts';
import { micro } from '#core/shared/money.ts';
import type { SubscriptionRecord } from '#core/subscriptions/types.ts';
import { type Agency, refusal, startAgency } from '#test/builders/agency.ts';
import { aGrant, aUsageEvent } from '#test/builders/ledger.ts';

let agency: Agency;
beforeAll(async () => {
  agency = await startAgency();
});
afterAll(() => agency.stop());

const aSubscription = (tenantId: TenantId, nowMs: number): SubscriptionRecord => ({
  id: `sub_${tenantId}`,
  version: 1,
  tenantId,
  customerId: 'cus_1',
  planId: agency.deps.subscriptions.catalogue.plans[0]?.id ?? '',
  interval: 'monthly',
  addOns: [],
  status: 'active',
  billing: { startMs: nowMs, endMs: nowMs + 30 * 86_400_000 },
  cancelAtPeriodEnd: false,
  scheduledChange: null,
  pastDueEndsAtMs: null,
  usage: null,
  paidBack: null,
  pauses: 0,
  isFrozen: false,
  review: [],
  steps: [],
  change: null,
  createdAtMs: nowMs,
  updatedAtMs: nowMs,
});

test('a month of the book: revenue and how it moved, who brings most, and what was used', async () => {
  const { clock, deps } = agency;
  const nowMs = clock.nowMs;
  const month = new Date(nowMs).toISOString().slice(0, 7);
  const before = new Date(nowMs - 31 * 86_400_000).toISOString().slice(0, 7);
  const [payer, buyer, idle] = [
    await agency.newTenant('Payer'),
    await agency.newTenant('Buyer'),
    await agency.newTenant('Idle'),
  ];
  const price = deps.subscriptions.catalogue.plans[0]?.prices.monthly.priceMinor ?? 0;
  await deps.subscriptions.store.saveSubscription(aSubscription(payer.id as TenantId, nowMs));
  await deps.snapshots.save(before, { [payer.id]: price - 50_000, ten_gone: 70_000 });
  await deps.ledger.grant(
    aGrant(buyer.id as TenantId, 'bought', {
      amountMicro: micro(50_000_000),
      nowMs,
      source: { kind: 'payment', id: 'pay_1' },
    }),
  );
  const event = aUsageEvent(buyer.id as TenantId, 'one', { startedAtMs: nowMs, model: 'buyer-support' });
  await deps.ledger.settle(buyer.id as TenantId, [{ event, amountMicro: micro(2_500_000) }]);

  const { status, body } = await agency.admin('GET', '/admin/analytics');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    month,
    mrr_minor_units: price,
    paying_tenants: 1,
    arpu_minor_units: price,
    movements: {
      from: price + 20_000,
      expansion: 50_000,
      churned: 70_000,
      to: price,
      churned_tenants: 1,
      tenant_churn_percent: '50.00',
    },
    best: [{ name: 'Payer' }, { name: 'Buyer', worth_minor_units: 5_000, credits_used: '2.5', calls: 1 }],
    worst: [{ name: 'Buyer' }, { name: 'Payer' }],
    models: [{ model: 'buyer-support', calls: 1, credits: '2.5' }],
    is_complete: true,
  });
  expect(body.tenants.map(({ name }: { name: string }) => name)).toEqual(['Payer', 'Buyer', 'Idle']);
  expect(idle.id).toBe(body.tenants[2].id);
  // What a month came to stays, whatever happens to the subscriptions later.
  expect(await deps.snapshots.read(month)).toEqual({ [payer.id]: price });
});

test('a month that is none, and a client, are refused', async () => {
  expect(
    await agency.admin('GET', '/admin/analytics', undefined, { query: { month: '2026-13' } }),
  ).toMatchObject(refusal(400, 'invalid_request', 'month'));
  const { apiKey } = await agency.newTenant();
  expect(await agency.call('GET', '/admin/analytics', { key: apiKey })).toMatchObject(
    refusal(403, 'insufficient_scope'),
  );
});
