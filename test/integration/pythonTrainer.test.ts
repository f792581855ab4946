import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestTraining, type TestTraining } from '#test/builders/trainingApi.ts';
import { fewLines } from '#test/builders/trainingJob.ts';

// Only where a Python has what containers/training needs, named as for `npm run test:training`.
const python = process.env['TUNEGATE_PYTHON'];
const usable =
  python !== undefined && spawnSync(python, ['-c', 'import torch, transformers, peft']).status === 0;

describe.skipIf(!usable)('with the trainer of containers/training', () => {
  let training: TestTraining;
  beforeAll(async () => {
    training = await startTestTraining(['--trainer', 'python', '--python', python ?? '']);
  });
  afterAll(() => training.stop());

  test('a job is interrupted, goes on, and tells the same as with ours', { timeout: 300_000 }, async () => {
    await training.create('python', {
      train: fewLines(24),
      validation: fewLines(4),
      settings: { epochs: 4, batchSize: 4, checkpointSteps: 2 },
    });
    await training.underWay('python');
    await training.fault({ interrupt: 'python' });
    const job = await training.until('python', ({ TrainingJobStatus }) => TrainingJobStatus === 'Completed');
    expect(training.log('python')).toContain('resumed at step');
    expect(job.FinalMetricDataList?.map(({ MetricName }) => MetricName)).toContain('validation:exact');
    expect(Object.keys(await training.model('python')).toSorted()).toEqual([
      'adapter_config.json',
      'adapter_model.safetensors',
      'chat_template.jinja',
      'lineage.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
  });
});
