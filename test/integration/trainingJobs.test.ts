import {
  CreateTrainingJobCommand,
  ListTrainingJobsCommand,
  type ListTrainingJobsCommandInput,
  StopTrainingJobCommand,
} from '@aws-sdk/client-sagemaker';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { StateChangeEvent } from '#local/sagemaker/training/description.ts';
import { startTestTraining, type TestTraining, trainingJobInput } from '#test/builders/trainingApi.ts';
import { fewLines } from '#test/builders/trainingJob.ts';

const QUICK = { epochs: 1, batchSize: 4, learningRate: 0.01 };
/** Enough steps to interrupt, with a checkpoint soon. */
const LONGER = { epochs: 7, batchSize: 6, checkpointSteps: 4, learningRate: 0.01 };
const LONGER_DATA = { train: fewLines(24), settings: LONGER };
const SLOW_MACHINE_MS = 120_000;

let training: TestTraining;
beforeAll(async () => {
  training = await startTestTraining();
});
afterAll(() => training.stop());

const ended = ({ TrainingJobStatus }: { TrainingJobStatus?: string | undefined }): boolean =>
  TrainingJobStatus === 'Completed' || TrainingJobStatus === 'Failed' || TrainingJobStatus === 'Stopped';
const stop = (TrainingJobName: string) =>
  training.sageMaker().control.send(new StopTrainingJobCommand({ TrainingJobName }));
const weights = async (name: string) => (await training.model(name))['adapter_model.safetensors'];
test('a job goes from its data in S3 to an adapter in S3 that serves, and tells of each step', async () => {
  await training.create('quick', { train: fewLines(8), validation: fewLines(4), settings: QUICK });
  const job = await training.until('quick', ended);
  expect(job).toMatchObject({
    TrainingJobStatus: 'Completed',
    TrainingJobArn: 'arn:aws:sagemaker:us-east-1:000000000000:training-job/quick',
    ModelArtifacts: { S3ModelArtifacts: 's3://tenant-data/jobs/quick/output/quick/output/model.tar.gz' },
    EnableManagedSpotTraining: true,
  });
  expect(job.SecondaryStatusTransitions?.map(({ Status }) => Status)).toEqual([
    'Starting',
    'Downloading',
    'Training',
    'Uploading',
    'Completed',
  ]);
  expect(job.TrainingTimeInSeconds).toBeGreaterThan(0);
  expect(job.BillableTimeInSeconds).toBeLessThanOrEqual(job.TrainingTimeInSeconds ?? 0);
  expect(job.TrainingEndTime?.getTime()).toBeGreaterThanOrEqual(job.TrainingStartTime?.getTime() ?? 0);
  const metrics = new Map(job.FinalMetricDataList?.map(({ MetricName, Value }) => [MetricName, Value]));
  expect(metrics.get('train:progress')).toBe(1);
  expect(metrics.get('validation:loss')).toBeGreaterThan(0);

  expect(Object.keys(await training.model('quick')).toSorted()).toEqual([
    'adapter_config.json',
    'adapter_model.safetensors',
    'chat_template.jinja',
    'lineage.json',
    'tokenizer.json',
    'tokenizer_config.json',
  ]);
  expect(await training.keys('jobs/quick/checkpoints/')).toContain('jobs/quick/checkpoints/progress.jsonl');
  await training.sageMaker().deploy('quick', job.ModelArtifacts?.S3ModelArtifacts ?? '');
  const answer = await training
    .sageMaker()
    .invoke('quick', { messages: [{ role: 'user', content: 'Hello?' }], max_tokens: 2 });
  expect(answer.model).toBe('quick');
});

test('events are as EventBridge sends them, and wait until somebody takes them', async () => {
  await training.restart('kill');
  await training.createQueue();
  const found: StateChangeEvent[] = [];
  await vi.waitFor(async () => {
    found.push(...(await training.events()));
    expect(found).toHaveLength(5);
  }, 20_000);
  const statuses = found.map(({ detail }) => detail.SecondaryStatus);
  expect(statuses.toSorted()).toEqual(['Completed', 'Downloading', 'Starting', 'Training', 'Uploading']);
  expect(found.find(({ detail }) => detail.SecondaryStatus === 'Completed')).toMatchObject({
    'detail-type': 'SageMaker Training Job State Change',
    source: 'aws.sagemaker',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/u),
    resources: ['arn:aws:sagemaker:us-east-1:000000000000:training-job/quick'],
    detail: {
      TrainingJobName: 'quick',
      TrainingJobStatus: 'Completed',
      CreationTime: expect.any(Number),
      ModelArtifacts: { S3ModelArtifacts: expect.stringContaining('model.tar.gz') },
      SecondaryStatusTransitions: expect.arrayContaining([expect.objectContaining({ Status: 'Training' })]),
      Tags: { 'tunegate:tenant': 'ten_1' },
    },
  });
});

test('an interrupted job and one cut off by SIGKILL end with the bytes of one that was left alone', {
  timeout: SLOW_MACHINE_MS,
}, async () => {
  await training.create('whole', LONGER_DATA);
  await training.create('spot', LONGER_DATA);
  expect((await training.describe('spot')).SecondaryStatus).toBe('Pending');
  await training.until('whole', ended);

  await training.underWay('spot');
  expect((await training.fault({ interrupt: 'spot' })).status).toBe(200);
  const spot = await training.until('spot', ended);
  expect(spot.TrainingJobStatus).toBe('Completed');
  expect(spot.SecondaryStatusTransitions?.map(({ Status }) => Status)).toContain('Interrupted');
  expect(training.log('spot')).toContain('resumed at step');
  expect(await weights('spot')).toEqual(await weights('whole'));

  await training.create('killed', LONGER_DATA);
  await training.underWay('killed');
  const orphans = training.trainers();
  await training.restart('kill');
  await vi.waitFor(() => {
    for (const pid of orphans) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  }, 20_000);
  expect((await training.until('killed', ended)).TrainingJobStatus).toBe('Completed');
  expect(training.log('killed')).toContain('resumed at step');
  expect(await weights('killed')).toEqual(await weights('whole'));
});

test('a trainer that is killed is an instance that was lost, an end of the server no end of a job; a stopped one ends in order', {
  timeout: SLOW_MACHINE_MS,
}, async () => {
  await training.create('stopped', { ...LONGER_DATA, settings: { ...LONGER, epochs: 100 } });
  await training.underWay('stopped');
  for (const pid of training.trainers()) process.kill(pid, 'SIGKILL');
  const transitions = async () => (await training.describe('stopped')).SecondaryStatusTransitions ?? [];
  const begun = async () => (await transitions()).filter(({ Status }) => Status === 'Training').length;
  const beganTimes = (times: number) =>
    vi.waitUntil(async () => (await begun()) === times, { timeout: SLOW_MACHINE_MS, interval: 50 });
  await beganTimes(2);
  await training.restart('stop');
  await beganTimes(3);

  await stop('stopped');
  expect((await training.describe('stopped')).TrainingJobStatus).toMatch(/^Stop/u);
  const job = await training.until('stopped', ended);
  expect(job.TrainingJobStatus).toBe('Stopped');
  expect(job.ModelArtifacts).toBeUndefined();
  expect(training.trainers()).toEqual([]);
  expect(await training.keys('jobs/stopped/checkpoints/checkpoint-')).not.toEqual([]);
  await expect(stop('stopped')).rejects.toMatchObject({ name: 'ValidationException' });
});

test('a job that runs too long is ended in order', async () => {
  await training.create('long', LONGER_DATA, {
    StoppingCondition: { MaxRuntimeInSeconds: 1, MaxWaitTimeInSeconds: 600 },
  });
  const job = await training.until('long', ended);
  expect(job).toMatchObject({ TrainingJobStatus: 'Stopped', SecondaryStatus: 'MaxRuntimeExceeded' });
});

test('data that cannot be learnt ends a job with the reason that the trainer wrote', async () => {
  await training.create('bad', { train: 'not json\n', settings: QUICK });
  const job = await training.until('bad', ({ TrainingJobStatus }) => TrainingJobStatus === 'Failed');
  expect(job.FailureReason).toMatch(/^AlgorithmError: invalid_dataset: line 1 .*, exit code: 1$/u);
});

test('jobs are listed oldest first, by pages, and by their status', async () => {
  const list = (input: ListTrainingJobsCommandInput) =>
    training.sageMaker().control.send(new ListTrainingJobsCommand(input));
  const first = await list({ MaxResults: 2 });
  const second = await list({ MaxResults: 2, NextToken: first.NextToken });
  const names = [first, second].flatMap(({ TrainingJobSummaries = [] }) =>
    TrainingJobSummaries.map(({ TrainingJobName }) => TrainingJobName),
  );
  expect(names).toEqual(['quick', 'whole', 'spot', 'killed']);
  const failed = await list({ StatusEquals: 'Failed', SortBy: 'Name', SortOrder: 'Descending' });
  expect(failed.TrainingJobSummaries).toMatchObject([{ TrainingJobName: 'bad', SecondaryStatus: 'Failed' }]);
});

test('a filter that is not known here is refused by its name, and not passed over', async () => {
  const list = (input: ListTrainingJobsCommandInput) =>
    training.sageMaker().control.send(new ListTrainingJobsCommand(input));
  await expect(list({ WarmPoolStatusEquals: 'Available' })).rejects.toMatchObject({
    name: 'ValidationException',
    message: expect.stringContaining('WarmPoolStatusEquals'),
  });
});

const again = (changed: object) => () =>
  training
    .sageMaker()
    .control.send(new CreateTrainingJobCommand({ ...trainingJobInput('quick'), ...changed }));

test.each([
  ['ResourceInUse', 'a name that is taken', {}],
  ['ValidationException', 'a name that is none', { TrainingJobName: '-x' }],
  [
    'ValidationException',
    'a wait shorter than the run',
    { StoppingCondition: { MaxRuntimeInSeconds: 9, MaxWaitTimeInSeconds: 8 } },
  ],
  ['ValidationException', 'a wait without spot', { EnableManagedSpotTraining: false }],
  [
    'ValidationException',
    'more than one instance',
    { ResourceConfig: { InstanceType: 'ml.g5.xlarge', InstanceCount: 2, VolumeSizeInGB: 1 } },
  ],
  ['ValidationException', 'VpcConfig', { VpcConfig: { SecurityGroupIds: ['sg-1'], Subnets: ['s-1'] } }],
  ['ValidationException', 'a channel without objects', trainingJobInput('no-data')],
  ['ValidationException', 'a bucket that is not there', trainingJobInput('no-bucket', false, 'no-bucket')],
] as const)('%s: %s', async (name, _, changed) => {
  await expect(again(changed)()).rejects.toMatchObject({ name });
});

test('SageMaker refuses, loses an answer and finds no instance when it is asked to', async () => {
  await training.fault({ refuse: 'ThrottlingException' });
  await expect(again({})()).rejects.toMatchObject({ name: 'ThrottlingException' });
  await training.fault({ refuse: 'ResourceLimitExceeded' });
  await expect(again({})()).rejects.toMatchObject({ name: 'ResourceLimitExceeded' });

  await training.fault({ lose_answers: 1 });
  await training.fault({ no_capacity: 1 });
  await expect(training.create('lost', { train: fewLines(4) })).rejects.toThrow();
  const lost = await training.describe('lost');
  expect(lost).toMatchObject({
    TrainingJobStatus: 'Failed',
    FailureReason: expect.stringMatching(/^CapacityError: /u),
  });
  expect(lost.TrainingTimeInSeconds).toBeUndefined();
});
