import { expect, test } from 'vitest';
import { compareCosts } from '#core/reconciliation/compareCosts.ts';
import type { TenantId } from '#core/shared/ids.ts';
import { NOON_MS, testId } from '#test/builders/ledger.ts';

const DAY_MS = 86_400_000;
const tenantId = testId<TenantId>('tenant', 'trains');

/** A job of an hour that costs a dollar. */
const job = (name: string, startedAtMs = NOON_MS - 5 * DAY_MS) => ({
  name,
  tenantId,
  microUsd: 1_000_000,
  billableSeconds: 3_600,
  startedAtMs,
});
const line = (name: string, microUsd: number, hours: number) => ({
  service: 'AmazonSageMaker',
  resource: `arn:aws:sagemaker:us-east-1:000000000000:training-job/${name}`,
  microUsd,
  hours,
});
const bill = (lines: readonly ReturnType<typeof line>[]) => ({
  month: '2026-03',
  lines,
  totalMicroUsd: 0,
  importedAtMs: 1,
});

test('training jobs agree with AWS to the cent, or say why not', () => {
  const compared = compareCosts({
    jobs: [
      job('fine'),
      job('in two lines'),
      job('rounded'),
      job('discount'),
      job('longer'),
      job('unbilled'),
      job('fresh', NOON_MS),
    ],
    costs: bill([
      line('fine', 1_000_000, 1),
      line('in two lines', 400_000, 0.4),
      line('in two lines', 600_000, 0.6),
      line('rounded', 1_004_000, 1),
      line('discount', 700_000, 1),
      line('longer', 2_000_000, 2),
      line('ours-unknown', 500_000, 0.5),
      line('of-another-product', 500_000, 0.5),
      { service: 'AmazonS3', resource: 'bucket', microUsd: 9_000_000, hours: 1 },
    ]),
    namePrefix: 'ours',
    nowMs: NOON_MS,
  });
  expect(compared.differences.map(({ id, cause }) => [id, cause])).toEqual([
    ['discount', 'price_differs'],
    ['longer', 'unknown'],
    ['unbilled', 'unknown'],
    ['fresh', 'not_billed_yet'],
    ['ours-unknown', 'unknown'],
  ]);
  expect(compared.totals).toEqual({
    pair: 'jobs_aws',
    compared: 8,
    leftMicro: 7_000_000,
    rightMicro: 6_204_000,
  });
});
