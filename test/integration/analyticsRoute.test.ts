import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TenantId } from '#core/shared/ids.ts';
import { type Agency, refusal, startAgency } from '#test/builders/agency.ts';
import { at, type Client, makeClientHistory } from '#test/builders/clientHistory.ts';
import { makeTestDesk } from '#test/builders/jobs.ts';

let agency: Agency;
let look: ReturnType<typeof makeClientHistory>['look'];
let used: ReturnType<typeof makeClientHistory>['used'];
let paid: ReturnType<typeof makeClientHistory>['paid'];
beforeAll(async () => {
  agency = await startAgency();
  ({ look, used, paid } = makeClientHistory(agency));
});
afterAll(() => agency.stop());

async function analytics(month: string, query: object = {}) {
  const answer = await agency.admin('GET', '/admin/analytics', undefined, { query: { month, ...query } });
  expect(answer.status).toBe(200);
  return answer.body;
}

describe('three months of five clients, worked out by hand', () => {
  let clients: readonly Client[];
  beforeAll(async () => {
    agency.clock.nowMs = at('2027-01-04T09:00:00Z');
    const named = [];
    for (const name of ['A', 'B', 'C', 'D', 'E']) named.push(await agency.newTenant(name));
    clients = named;
    const [a, b, c, d, e] = named;
    if (a === undefined || b === undefined || c === undefined || d === undefined || e === undefined)
      throw new Error('no clients');
    await look(d, '2026-10-01T00:00:00Z', {});
    await look(a, '2026-10-05T00:00:00Z', {});
    await look(b, '2026-10-10T00:00:00Z', { plan: 'growth' });
    await look(c, '2026-10-20T00:00:00Z', { plan: 'enterprise', interval: 'annual' });
    await look(d, '2026-10-25T00:00:00Z', { status: 'cancelled' });
    await look(e, '2026-11-02T00:00:00Z', {});
    await look(c, '2026-11-10T00:00:00Z', {
      plan: 'enterprise',
      interval: 'annual',
      addOns: [{ id: 'model', quantity: 1 }],
    });
    await look(b, '2026-11-15T00:00:00Z', { plan: 'growth', status: 'cancelled' });
    // In the last second of its month, after every night's work of that month.
    await look(a, '2026-11-30T23:59:59Z', { plan: 'growth' });
    await look(b, '2026-12-03T00:00:00Z', { id: '2' });
    await look(a, '2026-12-20T00:00:00Z', {});
    await look(c, '2026-12-31T23:59:59.999Z', { plan: 'enterprise', interval: 'annual', status: 'paused' });
    // Nothing of it was asked for until January: no look at a month is needed for it to be known.
  });

  test('October: three came and stayed, one came and left', async () => {
    expect(await analytics('2026-10')).toMatchObject({
      mrr_minor_units: 1_550_000, // 2,000 + 5,000 + 10,000 less 15 %
      paying_tenants: 3,
      arpu_minor_units: 516_666,
      movements: { from: 0, new: 1_550_000, new_tenants: 3, churned: 0, tenant_churn_percent: null },
    });
  });

  test('November: one grew, one bought an add-on, one left, one came', async () => {
    expect(await analytics('2026-11')).toMatchObject({
      mrr_minor_units: 1_685_000, // 5,000 + 8,500 + 1,350 + 2,000
      paying_tenants: 3,
      arpu_minor_units: 561_666,
      movements: {
        from: 1_550_000,
        new: 200_000,
        returned: 0,
        expansion: 435_000,
        contraction: 0,
        churned: 500_000,
        to: 1_685_000,
        churned_tenants: 1,
        tenant_churn_percent: '33.33',
        revenue_churn_percent: '32.26',
      },
    });
  });

  test('December: one returned, one shrank, one paused in its last millisecond', async () => {
    expect(await analytics('2026-12')).toMatchObject({
      mrr_minor_units: 600_000,
      movements: {
        from: 1_685_000,
        new: 0,
        returned: 200_000,
        returned_tenants: 1,
        expansion: 0,
        contraction: 300_000,
        churned: 985_000,
        to: 600_000,
        tenant_churn_percent: '33.33',
        revenue_churn_percent: '58.46',
      },
    });
    expect(await analytics('2027-01')).toMatchObject({
      mrr_minor_units: 600_000,
      movements: { from: 600_000, to: 600_000, new: 0, churned: 0, tenant_churn_percent: '0.00' },
    });
  });

  test('November by client: packs less refunds, training and serving, and who is best by what is left', async () => {
    const [a, b, c, , e] = clients;
    if (a === undefined || b === undefined || c === undefined || e === undefined)
      throw new Error('no clients');
    await paid(a, '2026-11-01T00:00:00Z');
    await paid(a, '2026-11-30T23:59:59.999Z', 2_975); // a quarter of it, with its tax
    await paid(a, '2026-12-01T00:00:00Z');
    await paid(e, '2026-11-20T00:00:00Z', 0, ['dispute_lost']);
    for (const { path } of [a, e])
      await agency.admin('POST', `${path}/credits`, { amount: '10', reason: 'a start' });
    await used(a, '2026-11-05T00:00:00Z', 1_000);
    await used(e, '2026-11-06T00:00:00Z', 3_000);
    await used(e, '2026-12-06T00:00:00Z', 9_000);

    const attempt = (time: string, costMicroUsd: number | null) => ({
      name: `tunegate-test-${at(time)}`,
      startedAtMs: at(time),
      billableSeconds: costMicroUsd === null ? null : 60,
      trainingSeconds: 50,
      costMicroUsd,
    });
    await makeTestDesk(agency.database).newJob(a.id as TenantId, {
      attempts: [
        attempt('2026-11-07T00:00:00Z', 100_000_000), // interrupted, and paid for
        attempt('2026-11-08T00:00:00Z', 23_450_000),
        attempt('2026-11-09T00:00:00Z', null),
        attempt('2026-12-01T00:00:00Z', 9_000_000),
      ],
    });

    const unknown = await analytics('2026-11');
    expect(unknown).toMatchObject({
      ranked_by: 'revenue',
      margin_minor_units: null,
      costs: { serving_source: null },
    });
    expect(unknown.best.map(({ name }: { name: string }) => name)).toEqual(['C', 'A', 'E']);

    // $3,000 of GPU for all: 750 for A, 2,250 for E, which brings 2,000.
    const given = await analytics('2026-11', { serving_cost: '3000' });
    expect(given).toMatchObject({
      ranked_by: 'margin',
      revenue_minor_units: 1_685_000 + 17_500,
      costs: { training_minor_units: 12_345, serving_minor_units: 300_000, serving_source: 'given' },
      margin_minor_units: 1_685_000 + 17_500 - 300_000 - 12_345,
      margin_percent: '81.65',
      best: [
        { name: 'C', margin_minor_units: 985_000, margin_percent: '100.00' },
        {
          name: 'A',
          revenue_minor_units: 517_500,
          packs_minor_units: 17_500,
          training_cost_minor_units: 12_345,
          margin_minor_units: 430_155,
        },
        { name: 'E', packs_minor_units: 0, serving_cost_minor_units: 225_000, margin_minor_units: -25_000 },
      ],
      models: [{ model: 'support', calls: 2, credits: '5' }],
    });
    expect(given.worst[0]).toMatchObject({ name: 'E', margin_percent: '-12.50' });

    await agency.deps.reconciliation.store.saveCosts({
      month: '2026-11',
      lines: [
        {
          service: 'AmazonSageMaker',
          resource: 'arn:aws:sagemaker:us-east-1:1:endpoint/tunegate-test-main',
          microUsd: 400_000_000,
          hours: 720,
        },
      ],
      totalMicroUsd: 400_000_000,
      importedAtMs: 1,
    });
    expect(await analytics('2026-11')).toMatchObject({
      costs: { serving_minor_units: 40_000, serving_source: 'aws' },
      worst: [
        { name: 'E', serving_cost_minor_units: 30_000 },
        { name: 'A', serving_cost_minor_units: 10_000 },
        { name: 'C', serving_cost_minor_units: 0 },
      ],
    });
  });
});

test('what cannot be asked is refused', async () => {
  for (const [query, param] of [
    [{ month: '2026-13' }, 'month'],
    [{ month: '2027-02' }, 'month'],
    [{ serving_cost: '-1' }, 'serving_cost'],
    [{ serving_cost: '1e9' }, 'serving_cost'],
    [{ serving_cost: '1.234' }, 'serving_cost'],
    [{ year: '2026' }, 'year'],
  ] as const)
    expect(await agency.admin('GET', '/admin/analytics', undefined, { query })).toMatchObject(
      refusal(400, 'invalid_request', param),
    );
  const { apiKey } = await agency.newTenant();
  expect(await agency.call('GET', '/admin/analytics', { key: apiKey })).toMatchObject(
    refusal(403, 'insufficient_scope'),
  );
});
