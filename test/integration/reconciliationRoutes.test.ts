import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readAwsCosts } from '#cli/readAwsCosts.ts';
import { type Agency, refusal, startAgency } from '#test/builders/agency.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunegate-cur-'));
let agency: Agency;
beforeAll(async () => {
  agency = await startAgency();
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await agency.stop();
});

test('a run is asked for and answered later by its report', async () => {
  const asked = await agency.admin('POST', '/admin/reconciliation', { day: '2027-01-10' });
  expect(asked).toMatchObject({ status: 202, body: { day: '2027-01-10' } });
  expect(agency.reconciliations).toEqual(['2027-01-10']);
  const query = { query: { day: '2027-01-10' } };
  expect((await agency.admin('GET', '/admin/reconciliation', undefined, query)).body.data).toEqual([]);
  await agency.deps.reconciliation.store.save({
    day: '2027-01-10',
    ranAtMs: 1_000,
    totals: [{ pair: 'ledger_payments', leftMicro: 5_000_000, rightMicro: 5_000_000, compared: 1 }],
    differences: [
      {
        pair: 'ledger_payments',
        id: 'pay_1',
        tenantId: null,
        leftMicro: null,
        rightMicro: 12_345_678,
        cause: 'webhook_missed',
        note: 'queued to be applied',
      },
    ],
    differenceCount: 1,
    unknownCount: 0,
    unread: [],
  });
  expect((await agency.admin('GET', '/admin/reconciliation', undefined, query)).body.data).toMatchObject([
    {
      day: '2027-01-10',
      unknown: 0,
      totals: [{ left: '5', right: '5' }],
      differences: [{ left: null, right: '12.345678', cause: 'webhook_missed' }],
    },
  ]);
  expect((await agency.admin('GET', '/admin/reconciliation')).body.data).toHaveLength(1);
});

test('what is no day, or has not begun, is refused', async () => {
  for (const day of ['2027-02-30', 'yesterday', '2199-01-01', 5]) {
    expect(await agency.admin('POST', '/admin/reconciliation', { day })).toMatchObject(
      refusal(400, 'invalid_request', 'day'),
    );
  }
  const { apiKey } = await agency.newTenant();
  expect(await agency.call('POST', '/admin/reconciliation', { key: apiKey, body: {} })).toMatchObject(
    refusal(403, 'insufficient_scope'),
  );
  expect(await agency.admin('PUT', '/admin/aws-costs', { month: '2027-13', lines: [] })).toMatchObject(
    refusal(400, 'invalid_request', 'month'),
  );
});

test("AWS's export is added up by job and service, exactly, and taken in", async () => {
  const header =
    '"line_item_usage_start_date","line_item_product_code","line_item_resource_id","line_item_usage_amount","line_item_unblended_cost"';
  const rows = [
    '2026-11-03T00:00:00Z,AmazonSageMaker,arn:aws:sagemaker:us-east-1:0:training-job/a,0.5,0.7050000001',
    '2026-11-03T01:00:00Z,AmazonSageMaker,arn:aws:sagemaker:us-east-1:0:training-job/a,0.5,0.7049999999',
    '2026-11-04T00:00:00Z,"Amazon, S3","a ""bucket""",1,1.2E-7',
    '2026-11-05T00:00:00Z,Refund,,0,-0.25',
    '2026-12-01T00:00:00Z,AmazonSageMaker,next-month,1,99',
  ];
  const file = join(folder, 'cur.csv.gz');
  writeFileSync(file, gzipSync([header, ...rows].join('\n')));
  const costs = await readAwsCosts(file, '2026-11');
  expect(costs).toEqual({
    month: '2026-11',
    lines: [
      {
        service: 'AmazonSageMaker',
        resource: 'arn:aws:sagemaker:us-east-1:0:training-job/a',
        micro_usd: 1_410_000,
        hours: 1,
      },
      { service: 'Amazon, S3', resource: '', micro_usd: 0, hours: 1 },
      { service: 'Refund', resource: '', micro_usd: -250_000, hours: 0 },
    ],
    total_micro_usd: 1_160_000,
  });
  expect(await agency.admin('PUT', '/admin/aws-costs', costs)).toMatchObject({
    status: 200,
    body: { month: '2026-11', lines: 3, total: '1.16' },
  });
  expect(await agency.deps.reconciliation.store.readCosts('2026-11')).toMatchObject({
    totalMicroUsd: 1_160_000,
  });
});

test.each([
  ['no,columns\n1,2', 'no column line_item_usage_start_date'],
  [
    'line_item_usage_start_date,line_item_product_code,line_item_resource_id,line_item_usage_amount,line_item_unblended_cost\n2026-11-01,a,b,1,much',
    'line 2 has no cost',
  ],
])('an export that cannot be read says why: %s', async (text, why) => {
  const file = join(folder, 'bad.csv');
  writeFileSync(file, text);
  await expect(readAwsCosts(file, '2026-11')).rejects.toThrow(why);
  await expect(readAwsCosts(join(folder, 'nowhere.csv'), '2026-11')).rejects.toThrow(
    'has no file of 2026-11',
  );
});
