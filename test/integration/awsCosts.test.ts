import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { AwsCosts } from '#core/reconciliation/types.ts';
import { makeBucketExport } from '#io/awsCosts/bucketExport.ts';
import { makeAwsCostSource } from '#io/awsCosts/costSource.ts';
import type { AwsExport } from '#io/awsCosts/exportFiles.ts';
import { makeFolderExport } from '#io/awsCosts/folderExport.ts';
import { startTestAws, type TestAws } from '#test/builders/awsService.ts';

// One reader for an export in a bucket and in a folder, as CSV, CSV.gz and Parquet.

const ENDPOINT = 'arn:aws:sagemaker:us-east-1:0:endpoint/tunegate-prod-inference';
const JOB = 'arn:aws:sagemaker:us-east-1:0:training-job/tunegate-prod-a';
const COLUMNS = [
  'line_item_usage_start_date',
  'line_item_product_code',
  'line_item_resource_id',
  'line_item_usage_amount',
  'line_item_unblended_cost',
  'line_item_line_item_type',
  'pricing_unit',
  'line_item_currency_code',
] as const;
type Row = readonly [string, string, string, number, number, string, string, string];
const ROWS: readonly Row[] = [
  ['2026-11-03T00:00:00Z', 'AmazonSageMaker', ENDPOINT, 1, 1.52, 'Usage', 'Hrs', 'USD'],
  ['2026-11-03T01:00:00Z', 'AmazonSageMaker', ENDPOINT, 0.5, 0.76, 'Usage', 'Hrs', 'USD'],
  ['2026-11-03T01:00:00Z', 'AmazonSageMaker', ENDPOINT, 0.5, -0.76, 'SavingsPlanNegation', 'Hrs', 'USD'],
  ['2026-11-03T01:00:00Z', 'AmazonSageMaker', ENDPOINT, 3, 0.048, 'Usage', 'GB', 'USD'],
  ['2026-11-04T00:00:00Z', 'AmazonSageMaker', ENDPOINT, 1, 1.52, 'Usage', 'Hrs', 'USD'],
  ['2026-11-04T00:00:00Z', 'AmazonSageMaker', JOB, 0.25, 0.3525, 'Usage', 'Hrs', 'USD'],
  ['2026-11-04T00:00:00Z', 'AmazonS3', 'a-bucket', 7, 1.2e-7, 'Usage', 'GB-Mo', 'USD'],
  ['2026-12-01T00:00:00Z', 'AmazonSageMaker', ENDPOINT, 9, 99, 'Usage', 'Hrs', 'USD'],
];
const LINES = [
  { service: 'AmazonSageMaker', resource: ENDPOINT, day: '2026-11-03', hours: 1.5, microUsd: 1_568_000 },
  { service: 'AmazonSageMaker', resource: ENDPOINT, day: '2026-11-04', hours: 1, microUsd: 1_520_000 },
  { service: 'AmazonSageMaker', resource: JOB, hours: 0.25, microUsd: 352_500 },
  { service: 'AmazonS3', resource: '', hours: 0, microUsd: 0 },
];

const csv = (rows: readonly Row[]): string =>
  [COLUMNS.join(','), ...rows.map((row) => row.join(','))].join('\n');
/** With a column of tags, whose texts hold what a table is made of. */
const quoted = (rows: readonly Row[]): string =>
  [
    `\ufeff${['tags', ...COLUMNS].join(',')}`,
    ...rows.map((row) => `"{""team"": ""a,\r\nb""}",${row.map((field) => `"${field}"`).join(',')}`),
  ].join('\r\n');
const parquet = (rows: readonly Row[], codec: 'SNAPPY' | 'GZIP' = 'SNAPPY'): Buffer =>
  Buffer.from(
    parquetWriteBuffer({
      codec,
      compressors: { GZIP: (input: Uint8Array) => gzipSync(input) },
      rowGroupSize: 3,
      columnData: COLUMNS.map((name, index) =>
        index === 0
          ? { name, data: rows.map((row) => new Date(row[0])), type: 'TIMESTAMP' as const }
          : {
              name,
              data: rows.map((row) => row[index]),
              type: index === 3 || index === 4 ? 'DOUBLE' : 'STRING',
            },
      ),
    }),
  );

let aws: TestAws;
let folder: string;
let buckets = 0;
beforeAll(async () => {
  aws = await startTestAws();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tunegate-export-'));
  return () => rmSync(folder, { recursive: true });
});
afterAll(() => aws.stop());

function put(name: string, content: string | Buffer, atMs = 1_000_000): void {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  utimesSync(file, atMs / 1_000, atMs / 1_000);
}

/** A source with a store in memory; `saved` says what was read anew. */
function sourceOf(files: AwsExport | undefined) {
  const saved: AwsCosts[] = [];
  const store = {
    readCosts: async () => saved.at(-1),
    saveCosts: async (costs: AwsCosts) => void saved.push(costs),
  };
  return { saved, ofMonth: makeAwsCostSource(store, { files, clock: () => 7 }).ofMonth };
}

const byResource = (costs: AwsCosts | undefined) =>
  costs?.lines.toSorted((a, b) => LINES.findIndex((l) => same(l, a)) - LINES.findIndex((l) => same(l, b)));
const same = (a: { resource: string; day?: string }, b: { resource: string; day?: string }) =>
  a.resource === b.resource && a.day === b.day;

test.each([
  ['CSV', 'cur-00001.csv', () => csv(ROWS)],
  ['CSV.gz', 'cur-00001.csv.gz', () => gzipSync(csv(ROWS))],
  ['CSV with tags', 'cur-00001.csv', () => quoted(ROWS)],
  ['Parquet', 'cur-00001.snappy.parquet', () => parquet(ROWS)],
  ['Parquet with gzip', 'cur-00001.parquet', () => parquet(ROWS, 'GZIP')],
])('as %s, in a folder and in a bucket, a month comes to the same', async (_, name, content) => {
  const key = `exports/cur/data/BILLING_PERIOD=2026-11/${name}`;
  put(key, content());
  const bucket = `export-${++buckets}`;
  await aws.s3.send(new CreateBucketCommand({ Bucket: bucket }));
  await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: content() }));
  for (const files of [
    makeFolderExport(folder),
    makeBucketExport(aws.s3, { bucket, prefix: 'exports/cur/' }),
  ]) {
    const { saved, ofMonth } = sourceOf(files);
    const read = await ofMonth('2026-11');
    expect(read).toMatchObject({ ok: true, value: { month: '2026-11', totalMicroUsd: 3_440_500 } });
    expect(byResource(read.ok ? read.value : undefined)).toEqual(LINES);
    await ofMonth('2026-11');
    expect(saved).toHaveLength(1);
  }
});

test('an export that was refreshed is read again, and only its newest state', async () => {
  const period = 'cur/data/BILLING_PERIOD=2026-11';
  const [first, ...others] = ROWS.slice(0, 2);
  if (first === undefined) throw new Error('no rows');
  put(`${period}/20261104T010000Z-1/cur-00001.csv`, csv([first]), 1_000_000);
  put('cur/data/BILLING_PERIOD=2026-10/20261001T010000Z-1/cur-00001.csv', csv(ROWS), 9_000_000);
  put('cur/metadata/BILLING_PERIOD=2026-11/cur-Manifest.json', '{}', 9_000_000);
  const { saved, ofMonth } = sourceOf(makeFolderExport(folder));
  expect(await ofMonth('2026-11')).toMatchObject({ value: { totalMicroUsd: 1_520_000 } });
  put(`${period}/20261105T010000Z-2/cur-00001.csv`, csv([first]), 2_000_000);
  put(`${period}/20261105T010000Z-2/cur-00002.csv`, csv(others), 2_000_000);
  expect(await ofMonth('2026-11')).toMatchObject({ value: { totalMicroUsd: 2_280_000 } });
  expect(saved).toHaveLength(2);
});

test('without an export what was imported counts', async () => {
  const imported = { month: '2026-11', lines: [], totalMicroUsd: 5, importedAtMs: 1 };
  for (const files of [undefined, makeFolderExport(join(folder, 'nowhere'))]) {
    const { saved, ofMonth } = sourceOf(files);
    expect(await ofMonth('2026-11')).toEqual({ ok: true, value: undefined });
    saved.push(imported);
    expect(await ofMonth('2026-11')).toEqual({ ok: true, value: imported });
  }
});

test.each([
  ['a bill in another currency', 'a.csv', () => csv(ROWS).replaceAll('USD', 'EUR'), 'line 2 is in EUR'],
  [
    'no column of resources',
    'a.csv',
    () => csv(ROWS).replace('line_item_resource_id', 'x'),
    'no column line_item_res',
  ],
  ['no cost', 'a.csv', () => csv(ROWS).replace('1.52', 'much'), 'line 2 has no cost'],
  ['a quote that never ends', 'a.csv', () => `${csv(ROWS)}\n"`, 'cannot be read'],
  ['an archive that is cut off', 'a.csv.gz', () => gzipSync(csv(ROWS)).subarray(0, 60), 'cannot be read'],
  ['a table that is cut off', 'a.parquet', () => parquet(ROWS).subarray(0, 300), 'cannot be read'],
  ['a table that is none', 'a.parquet', () => 'PAR1', 'cannot be read'],
])('%s is said, and nothing of it is kept', async (_, name, content, why) => {
  put(name, content());
  const { saved, ofMonth } = sourceOf(makeFolderExport(folder));
  expect(await ofMonth('2026-11')).toMatchObject({
    ok: false,
    error: { code: 'aws_costs_unreadable', detail: expect.stringContaining(why) },
  });
  expect(saved).toEqual([]);
});

test('a bucket that is not there is said', async () => {
  const { ofMonth } = sourceOf(makeBucketExport(aws.s3, { bucket: 'not-there', prefix: '' }));
  expect(await ofMonth('2026-11')).toMatchObject({
    ok: false,
    error: { detail: 'the bucket not-there cannot be read: NoSuchBucket' },
  });
});
