import { expect, test } from 'vitest';
import { makeBusyTime } from '#core/reconciliation/busyTime.ts';
import { compareInference } from '#core/reconciliation/compareInference.ts';
import { makeEndpointOfCall } from '#core/reconciliation/endpointOfCall.ts';
import type { AdapterId, TenantId } from '#core/shared/ids.ts';
import { testId } from '#test/builders/ledger.ts';

const DAY = '2026-03-02';
const DAY_MS = Date.parse(`${DAY}T00:00:00Z`);
const HOUR_MS = 3_600_000;
const SHARED = 'tunegate-prod-inference';
const ENDPOINTS = [
  { name: SHARED, microUsdPerHour: 1_520_000, maxInstances: 4 },
  { name: `${SHARED}-acme`, microUsdPerHour: 1_410_000, maxInstances: 1 },
];

type Call = readonly [endpoint: string, startsAtHour: number, hours: number];
type Billed = readonly [endpoint: string, hours: number, microUsd: number, day?: string];

function compare(calls: readonly Call[], billed: readonly Billed[], nowMs = DAY_MS + 5 * 24 * HOUR_MS) {
  const busy = makeBusyTime(DAY_MS);
  for (const [endpoint, at, hours] of calls) busy.add(endpoint, DAY_MS + at * HOUR_MS, hours * HOUR_MS);
  const lines = billed.map(([name, hours, microUsd, day = DAY]) => ({
    service: 'AmazonSageMaker',
    resource: `arn:aws:sagemaker:us-east-1:0:endpoint/${name}`,
    day,
    hours,
    microUsd,
  }));
  const costs = { month: '2026-03', lines, totalMicroUsd: 0, importedAtMs: 1 };
  const { differences, totals } = compareInference({ day: DAY, endpoints: ENDPOINTS, busy, costs, nowMs });
  return {
    totals,
    found: differences.map(({ id, cause, leftMicro, rightMicro }) => [id, cause, leftMicro, rightMicro]),
    notes: differences.map(({ note }) => note),
  };
}

test('an endpoint that was at work for all the time that AWS billed agrees', () => {
  const { found, totals } = compare([[SHARED, 3, 2]], [[SHARED, 2, 3_040_000]]);
  expect(found).toEqual([]);
  expect(totals).toEqual({
    pair: 'inference_aws',
    compared: 1,
    leftMicro: 3_040_000,
    rightMicro: 3_040_000,
  });
});

test('calls at the same time count once, and what is left of the bill is idle', () => {
  const calls: readonly Call[] = [
    [SHARED, 1, 1],
    [SHARED, 1.5, 1],
    [SHARED, 1.25, 0.25],
  ];
  const { found, notes } = compare(calls, [[SHARED, 6, 9_120_000]]);
  expect(found).toEqual([[SHARED, 'idle_endpoint', 2_280_000, 9_120_000]]);
  expect(notes).toEqual(['6 h billed, calls were at work in 1.5 h: 75% idle']);
  expect(compare([], [[SHARED, 24, 36_480_000]]).found).toEqual([[SHARED, 'idle_endpoint', 0, 36_480_000]]);
});

test('a price that is not ours is a line of its own, so that bill = at work + idle + price', () => {
  const { found } = compare([[SHARED, 0, 1]], [[SHARED, 2, 2_500_000]]);
  expect(found).toEqual([
    [SHARED, 'idle_endpoint', 1_520_000, 3_040_000],
    [SHARED, 'price_differs', 3_040_000, 2_500_000],
  ]);
});

test('calls that AWS did not bill, or for less time, have no cause once it should have', () => {
  const calls: readonly Call[] = [[SHARED, 0, 2]];
  expect(compare(calls, []).found).toEqual([[SHARED, 'unknown', 3_040_000, null]]);
  expect(compare(calls, [[SHARED, 1, 1_520_000]]).found).toEqual([[SHARED, 'unknown', 3_040_000, 1_520_000]]);
  expect(compare(calls, [], DAY_MS + 48 * HOUR_MS).found).toEqual([
    [SHARED, 'not_billed_yet', 3_040_000, null],
  ]);
  expect(compare(calls, [[SHARED, 2, 3_040_000, '2026-03-03']]).found).toEqual([
    [SHARED, 'unknown', 3_040_000, null],
  ]);
});

test('more hours than the instances can run, and an endpoint of ours that nobody knows, have no cause', () => {
  const { found } = compare(
    [],
    [
      [`${SHARED}-acme`, 30, 42_300_000],
      [`${SHARED}-forgotten`, 1, 1_410_000],
      ['of-another-product', 1, 1_410_000],
    ],
  );
  expect(found).toEqual([
    [`${SHARED}-acme`, 'unknown', 0, 42_300_000],
    [`${SHARED}-forgotten`, 'unknown', null, 1_410_000],
  ]);
});

test('a call over midnight counts on each day with its part', () => {
  const { found } = compare(
    [
      [SHARED, -0.5, 1],
      [SHARED, 23.5, 1],
    ],
    [[SHARED, 1, 1_520_000]],
  );
  expect(found).toEqual([]);
});

test('a call is of the endpoint of the version that answered it', async () => {
  const version = (adapter: string, engine?: object) => ({
    baseModel: 'base',
    adapterId: adapter as AdapterId,
    inferenceComponentName: adapter,
    ...(engine === undefined ? {} : { engine }),
  });
  const route = {
    ...version('adp_now', { kind: 'sagemaker', endpoint: 'acme' }),
    alias: 'support',
    rollout: {
      revision: 1,
      canary: { percent: 5, version: version('adp_canary', { kind: 'openai', url: 'https://gpu.example' }) },
      former: [version('adp_before')],
    },
  };
  const endpointOf = makeEndpointOfCall({ listModels: async () => [route as never] }, SHARED);
  const of = (adapter: string, model = 'support') =>
    endpointOf(testId<TenantId>('tenant', 'acme'), { model, version: adapter });
  expect(await of('adp_now')).toBe(`${SHARED}-acme`);
  expect(await of('adp_canary')).toBeUndefined();
  expect(await of('adp_before')).toBe(SHARED);
  expect(await of('adp_gone')).toBe(SHARED);
  expect(await of('adp_now', 'another')).toBe(SHARED);
});
