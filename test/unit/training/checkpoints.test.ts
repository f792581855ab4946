import { describe, expect, test } from 'vitest';
import { noSuchModel } from '#core/inference/noSuchModel.ts';
import { checkpointName } from '#core/shared/checkpointName.ts';
import type { AdapterId, TenantId, TrainingJobId } from '#core/shared/ids.ts';
import { checkpointsOf, keptAdapters } from '#core/training/checkpoints.ts';
import type { ProgressLine } from '#core/training/ports.ts';
import type { TrainingJob } from '#core/training/types.ts';

const FINAL = 'ft:tunegate-nano:desk:0q2m4n6p8q0r';
const job = {
  tenantId: 'ten_a' as TenantId,
  id: 'ftjob-b' as TrainingJobId,
  hyperParameters: { epochs: 4, batchSize: 8, learningRateMultiplier: 1, rank: 8 as const, auto: [] },
};
const under = (...names: readonly string[]) =>
  names.map((name) => `tenants/ten_a/training/ftjob-b/checkpoints/${name}`);

describe('what a trainer kept', () => {
  test('is told by its name: the two ends of epochs before the last, newest first, whatever else lies there', () => {
    const keys = under(
      'adapter-epoch-1-step-3.tar.gz',
      'adapter-epoch-2-step-6.tar.gz',
      'adapter-epoch-3-step-9.tar.gz',
      'adapter-epoch-4-step-12.tar.gz',
      'adapter-epoch-3-step-9.tar.gz.partial',
      'checkpoint-00000009.safetensors',
      'deeper/adapter-epoch-3-step-9.tar.gz',
      'progress.jsonl',
    );
    expect(keptAdapters(job, keys).map(({ epoch, step }) => [epoch, step])).toEqual([
      [3, 9],
      [2, 6],
    ]);
  });

  test('is not looked for under another prefix', () => {
    const elsewhere = 'tenants/ten_b/training/ftjob-b/checkpoints/adapter-epoch-3-step-9.tar.gz';
    expect(keptAdapters(job, [elsewhere])).toEqual([]);
  });
});

describe('the list of checkpoints', () => {
  const line = (epoch: number): ProgressLine => ({
    atMs: epoch,
    step: epoch * 3,
    steps: 12,
    epoch,
    trainLoss: 1 / epoch,
    tokensPerSecond: 100,
  });
  const lines = [1, 1.5, 2, 3, 4].map(line);
  const kept = [3, 2].map((epoch) => ({
    epoch,
    step: epoch * 3,
    adapterId: `adp_${epoch}` as AdapterId,
    model: checkpointName(FINAL, epoch * 3),
  }));
  const verdict = { fineTunedModel: FINAL } as TrainingJob['verdict'];

  test('names a model where there is one, as OpenAI names them, and has the numbers of every epoch', () => {
    const listed = checkpointsOf({ state: 'succeeded', verdict, checkpoints: kept }, lines);
    expect(listed.map(({ step, fineTunedModel }) => [step, fineTunedModel])).toEqual([
      [12, FINAL],
      [9, `${FINAL}:ckpt-step-9`],
      [6, `${FINAL}:ckpt-step-6`],
      [3, null],
    ]);
  });

  test('names none before the job has succeeded', () => {
    for (const state of ['training', 'ending', 'cancelled', 'failed'] as const) {
      const listed = checkpointsOf({ state, verdict, checkpoints: kept }, lines);
      expect(listed.map(({ fineTunedModel }) => fineTunedModel)).toEqual([null, null, null, null]);
    }
  });
});

test('a name that nothing answers says so, and a checkpoint’s what to do', () => {
  expect(noSuchModel(`${FINAL}:ckpt-step-9`)).toMatchObject({
    code: 'model_not_deployed',
    message: expect.stringMatching(/Nothing was charged; ask your provider to deploy it/),
  });
  for (const name of [FINAL, `${FINAL}:ckpt-step-`, 'x:ckpt-step-9:y'])
    expect(noSuchModel(name)).toMatchObject({ code: 'model_not_found', param: 'model' });
});
