import { describe, expect, test } from 'vitest';
import { marginOf, rank, revenueOf, shareOf } from '#core/analytics/clientMonth.ts';
import { endpointCosts, shareServing } from '#core/analytics/shareServing.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { testId } from '#test/builders/ledger.ts';

const [A, B, C] = ['a', 'b', 'c'].map((name) => testId<TenantId>('tenant', name));
if (A === undefined || B === undefined || C === undefined) throw new Error('no tenants');
const served = (id: TenantId, computeMs: number, endpoint?: string) => ({ id, computeMs, endpoint });

describe('what serving cost', () => {
  test('is shared by the time of the engine, to the millionth', () => {
    const { microUsdOf, unsharedMicroUsd } = shareServing(
      [served(A, 1), served(B, 1), served(C, 1)],
      [{ name: null, microUsd: 100 }],
    );
    expect([A, B, C].map((id) => microUsdOf.get(id))).toEqual([33, 33, 34]);
    expect(unsharedMicroUsd).toBe(0);
  });

  test('of an own endpoint is its tenant’s, used or not', () => {
    const { microUsdOf, unsharedMicroUsd } = shareServing(
      [served(A, 0, 'acme'), served(B, 5, 'big-acme'), served(C, 7)],
      [
        { name: 'acme', microUsd: 100 },
        { name: 'big-acme', microUsd: 200 },
        { name: null, microUsd: 400 },
      ],
    );
    expect([A, B, C].map((id) => microUsdOf.get(id))).toEqual([100, 200, 400]);
    expect(unsharedMicroUsd).toBe(0);
  });

  test('that nobody used is named apart', () => {
    const costs = [
      { name: null, microUsd: 400 },
      { name: 'gone', microUsd: 30 },
    ];
    expect(shareServing([served(A, 0)], costs).unsharedMicroUsd).toBe(430);
  });

  test('is what AWS bills for our endpoints, and nothing else of its bill', () => {
    const line = (resource: string, microUsd: number) => ({
      service: 'AmazonSageMaker',
      resource: `arn:aws:sagemaker:us-east-1:1:${resource}`,
      microUsd,
      hours: 1,
    });
    const lines = [
      line('endpoint/tunegate-prod-main', 5),
      line('endpoint/tunegate-prod-main-acme', 6),
      line('endpoint/tunegate-dev-main', 11),
      line('training-job/x', 7),
    ];
    expect(endpointCosts({ lines }, ['tunegate-prod-main', 'tunegate-prod-main-acme'])).toEqual([
      { name: null, microUsd: 5 },
      { name: 'acme', microUsd: 6 },
    ]);
  });
});

describe('clients in order', () => {
  const client = (tenantId: TenantId, recurringMinor: number, servingMinor: number | null) => ({
    tenantId,
    name: tenantId,
    recurringMinor,
    packsMinor: 0,
    usedMicro: 0,
    calls: 0,
    computeMs: 0,
    models: [],
    trainingMinor: 100,
    servingMinor,
  });
  test('go by what is left, so that a large client that costs more than it brings is the worst', () => {
    const ranked = rank([client(A, 1_000, 2_000), client(B, 500, 100), client(C, 900, 100)]);
    expect(ranked.by).toBe('margin');
    expect(ranked.clients.map(({ tenantId }) => tenantId)).toEqual([C, B, A]);
    expect(ranked.clients.map(marginOf)).toEqual([700, 300, -1_100]);
    expect(ranked.clients.map((one) => shareOf(marginOf(one), revenueOf(one)))).toEqual([
      7_778, 6_000, -11_000,
    ]);
  });
  test('go by revenue where the cost of one is not known', () => {
    const ranked = rank([client(A, 1_000, null), client(B, 500, 100)]);
    expect(ranked.by).toBe('revenue');
    expect(ranked.clients.map(({ tenantId }) => tenantId)).toEqual([A, B]);
    expect(marginOf(client(A, 1_000, null))).toBeNull();
    expect(shareOf(null, 0)).toBeNull();
  });
});
