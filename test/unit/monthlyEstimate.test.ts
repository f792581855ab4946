import { expect, test } from 'vitest';
import { findEnvironment } from '#infra/environments.ts';
import { monthlyEstimate } from '#infra/monthlyEstimate.ts';

test('the estimate has a line for the shared endpoint and one for each tenant’s own, from the least to the most', () => {
  const prod = findEnvironment('prod');
  const own = { instanceType: 'ml.g5.4xlarge', instanceUsdPerHour: 2, minCopies: 1, maxInstances: 3 };
  const lines = monthlyEstimate({ ...prod, dedicatedEndpoints: { acme: own, contoso: {} } }).split('\n');
  expect(lines).toEqual([
    'prod: ml.g5.2xlarge at about $1.52/h: $0 a month asleep, $1,110 with one instance always awake, $4,438 at most (4).',
    'prod-acme: ml.g5.4xlarge at about $2/h: never asleep, at least $1,460 a month, $4,380 at most (3).',
    expect.stringMatching(/^prod-contoso: ml\.g5\.2xlarge .* \$4,438 at most \(4\)\.$/),
    'The rest is paid by use: see docs/deploy.md.',
  ]);
});
