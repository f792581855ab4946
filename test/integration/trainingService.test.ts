import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { TenantId, TrainingJobId } from '#core/shared/ids.ts';
import { parseId } from '#core/shared/ids.ts';
import type { TrainingRequest, TrainingService } from '#core/training/ports.ts';
import { makeTrainingWatch } from '#io/sagemaker/training.ts';
import { makeSageMaker } from '#io/wire/clients.ts';
import { wireTrainingCreate } from '#io/wire/trainingCreate.ts';
import { TEST_CREDENTIALS } from '#test/builders/awsService.ts';
import { startTestTraining, type TestTraining } from '#test/builders/trainingApi.ts';
import { fewLines } from '#test/builders/trainingJob.ts';

let training: TestTraining;
let service: TrainingService;
beforeAll(async () => {
  training = await startTestTraining();
  await training.put('code/training/train.py', 'not run here');
  vi.stubEnv('AWS_ENDPOINT_URL_SAGEMAKER', training.sageMaker().url);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ENDPOINT_URL_STS', training.aws.url);
  vi.stubEnv('AWS_ACCESS_KEY_ID', TEST_CREDENTIALS.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', TEST_CREDENTIALS.secretAccessKey);
  const create = wireTrainingCreate({
    TENANT_DATA_BUCKET: 'tenant-data',
    TRAINING_ROLE_ARN: 'arn:aws:iam::000000000000:role/tunegate-training',
    TRAINING_CREATOR_ROLE_ARN: 'arn:aws:iam::000000000000:role/tunegate-training-creator',
    TRAINING_IMAGE: 'huggingface-pytorch-training:2.9.0',
    TRAINING_INSTANCE_TYPE: 'ml.g5.xlarge',
    TRAINING_VOLUME_GB: '30',
  });
  service = { ...makeTrainingWatch(makeSageMaker(), 'tenant-data'), create };
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await training.stop();
});

const tenantId = parseId<TenantId>('tenant', 'ten_1');
const jobId = parseId<TrainingJobId>('trainingJob', 'ftjob-1');
if (tenantId === undefined || jobId === undefined) throw new Error('ids of the test are ids');

const request = (name: string, channels = 'tenants/ten_1/training/ftjob-1/'): TrainingRequest => ({
  name,
  tenantId,
  jobId,
  channels: {
    base: 'bases/tunegate-nano/',
    train: `${channels}train/`,
    validation: null,
    settings: `${channels}settings/`,
  },
  outputPrefix: 'tenants/ten_1/training/ftjob-1/output/',
  checkpointPrefix: 'tenants/ten_1/training/ftjob-1/checkpoints/',
  maxSeconds: 600,
  maxWaitSeconds: 1_200,
});

test('a job is created once, followed to its end, and told where its archive is', async () => {
  await training.put('tenants/ten_1/training/ftjob-1/train/train.jsonl', fewLines(4));
  await training.put(
    'tenants/ten_1/training/ftjob-1/settings/settings.json',
    '{"baseModel":"tunegate-nano","epochs":1}',
  );
  expect(await service.create(request('one-1'))).toEqual({ ok: true, value: 'created' });
  expect(await service.create(request('one-1'))).toEqual({ ok: true, value: 'exists' });
  expect(await service.describe('one-1')).toMatchObject({ status: 'in_progress', artifactKey: null });

  await training.until('one-1', ({ TrainingJobStatus }) => TrainingJobStatus === 'Completed');
  expect(await service.describe('one-1')).toEqual({
    status: 'completed',
    secondaryStatus: 'Completed',
    failureReason: null,
    artifactKey: 'tenants/ten_1/training/ftjob-1/output/one-1/output/model.tar.gz',
    trainingSeconds: expect.any(Number),
    billableSeconds: expect.any(Number),
    metrics: expect.objectContaining({ 'train:progress': 1, 'train:loss': expect.any(Number) }),
  });
  await service.stop('one-1'); // it has ended, which is no error
});

test('a job that is not there is undefined, and stopping it is no error', async () => {
  expect(await service.describe('nothing')).toBeUndefined();
  await service.stop('nothing');
});

test.each([
  // As often as the SDK itself tries.
  ['throttled', { refuse: 'ThrottlingException', times: 3 }],
  ['throttled', { refuse: 'ServiceUnavailable', times: 3 }],
  ['quota', { refuse: 'ResourceLimitExceeded' }],
] as const)('a refusal is %s after %j', async (code, fault) => {
  await training.fault(fault);
  expect(await service.create(request('refused'))).toMatchObject({ ok: false, error: { code } });
});

test('a job that can never be taken is invalid', async () => {
  expect(await service.create(request('empty', 'tenants/ten_1/training/ftjob-1/empty/'))).toMatchObject({
    ok: false,
    error: { code: 'invalid', message: expect.stringContaining('No S3 objects found') },
  });
});

test('a job that finds no instance fails with a reason that says so', async () => {
  await training.fault({ no_capacity: 1 });
  await service.create(request('no-room'));
  const state = await service.describe('no-room');
  expect(state).toMatchObject({
    status: 'failed',
    failureReason: expect.stringMatching(/^CapacityError: /u),
  });
  expect(state?.billableSeconds).toBeNull();
});

test("a job is held to its own prefix: another tenant's data, and another job's, are out of its reach", async () => {
  for (const prefix of ['tenants/ten_2/training/ftjob-1/', 'tenants/ten_1/training/ftjob-2/', 'tenants/']) {
    await training.put(`${prefix}train/train.jsonl`, fewLines(2));
    await training.put(`${prefix}settings/settings.json`, '{}');
    expect(await service.create(request('theirs', prefix))).toMatchObject({
      ok: false,
      error: { code: 'invalid', message: expect.stringContaining('may not reach') },
    });
    const elsewhere = { ...request('theirs'), outputPrefix: prefix };
    expect(await service.create(elsewhere)).toMatchObject({ ok: false, error: { code: 'invalid' } });
  }
});
