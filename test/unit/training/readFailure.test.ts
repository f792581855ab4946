import { expect, test } from 'vitest';
import { statusOf } from '#api/fineTuning/jobObject.ts';
import { ZERO } from '#core/shared/money.ts';
import { readFailure } from '#core/training/readFailure.ts';

const job = {
  hyperParameters: { epochs: 1, batchSize: 8, learningRateMultiplier: 1, rank: 8, auto: [] },
} as const;

test.each([
  'AlgorithmError: invalid_dataset: there is no answer to learn, exit code: 1',
  'AlgorithmError: invalid_dataset: there is no answer to learn\nTraceback, exit code: 1',
  'AlgorithmError: invalid_dataset: there is no answer to learn',
])('a client is told what its data did, and not how the process ended: %j', (reason) => {
  expect(readFailure(reason, job)).toMatchObject({
    kind: 'final',
    error: { code: 'invalid_dataset', message: 'there is no answer to learn', param: 'training_file' },
  });
});

test('a job has failed when its credits are back, and is cancelled at once', () => {
  const verdict = { chargedTokens: 0, chargedMicro: ZERO, error: null, fineTunedModel: null };
  expect(statusOf({ state: 'ending', verdict: { ...verdict, outcome: 'failed' } })).toBe('running');
  expect(statusOf({ state: 'failed', verdict: { ...verdict, outcome: 'failed' } })).toBe('failed');
  expect(statusOf({ state: 'ending', verdict: { ...verdict, outcome: 'cancelled' } })).toBe('cancelled');
});
