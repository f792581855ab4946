import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import {
  CreateTrainingJobCommand,
  type CreateTrainingJobCommandInput,
  DescribeTrainingJobCommand,
  type DescribeTrainingJobCommandOutput,
} from '@aws-sdk/client-sagemaker';
import { CreateQueueCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { extract } from 'tar';
import { vi } from 'vitest';
import { METRIC_DEFINITIONS } from '#core/training/metricDefinitions.ts';
import type { StateChangeEvent } from '#local/sagemaker/training/description.ts';
import { startTestAws, TEST_CREDENTIALS, type TestAws } from './awsService.ts';
import { startTestSageMaker, type TestSageMaker } from './sageMaker.ts';
import { TEST_BASE } from './trainingJob.ts';

const BUCKET = 'tenant-data';
const EVENTS = 'training-events';
const CHECKPOINT = /^checkpoint-\d+\.safetensors$/u;
const JOB_WITHIN_MS = 900_000;

export type TestTraining = {
  readonly aws: TestAws;
  /** The one that runs now. */
  readonly sageMaker: () => TestSageMaker;
  readonly put: (key: string, body: Uint8Array | string) => Promise<void>;
  /** Uploads a dataset and settings, and asks for a job that learns it. */
  readonly create: (
    name: string,
    data: { readonly train: string; readonly validation?: string; readonly settings?: object },
    changed?: Partial<CreateTrainingJobCommandInput>,
  ) => Promise<void>;
  readonly describe: (name: string) => Promise<DescribeTrainingJobCommandOutput>;
  /** Waits until the job's state is as wanted. */
  readonly until: (
    name: string,
    wanted: (job: DescribeTrainingJobCommandOutput) => boolean,
  ) => Promise<DescribeTrainingJobCommandOutput>;
  /** Waits until the job's trainer has a checkpoint. */
  readonly underWay: (name: string) => Promise<void>;
  /** The processes that train now. */
  readonly trainers: () => readonly number[];
  /** Takes what the queue of events holds now. */
  readonly events: () => Promise<readonly StateChangeEvent[]>;
  /** Before this, events wait. */
  readonly createQueue: () => Promise<void>;
  readonly fault: (body: object) => Promise<Response>;
  readonly keys: (prefix: string) => Promise<readonly string[]>;
  readonly object: (key: string) => Promise<Readable>;
  /** The files of a job's archive, by name. */
  readonly model: (name: string) => Promise<Readonly<Record<string, Buffer>>>;
  /** What the job's containers wrote. */
  readonly log: (name: string) => string;
  readonly restart: (how: 'stop' | 'kill') => Promise<void>;
  readonly stop: () => Promise<void>;
};

/** S3 and SageMaker of one machine, with the base model where the product keeps it. */
export async function startTestTraining(args: readonly string[] = []): Promise<TestTraining> {
  const aws = await startTestAws();
  const queueUrl = `${aws.url}/000000000000/${EVENTS}`;
  const env = {
    AWS_ENDPOINT_URL_SQS: aws.url,
    TRAINING_EVENTS_QUEUE_URL: queueUrl,
    AWS_ENDPOINT_URL_S3: aws.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: TEST_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: TEST_CREDENTIALS.secretAccessKey,
  };
  let sageMaker = await startTestSageMaker({ env, args });
  const put = async (Key: string, Body: Uint8Array | string): Promise<void> => {
    await aws.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }));
  };
  await aws.s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  for (const name of readdirSync(TEST_BASE)) {
    await put(`bases/tunegate-nano/${name}`, readFileSync(join(TEST_BASE, name)));
  }

  const describe = (TrainingJobName: string) =>
    sageMaker.control.send(new DescribeTrainingJobCommand({ TrainingJobName }));
  const object = async (Key: string): Promise<Readable> => {
    const { Body } = await aws.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
    if (!(Body instanceof Readable)) throw new Error(`${Key} has no content`);
    return Body;
  };
  return {
    aws,
    sageMaker: () => sageMaker,
    put,
    create: async (name, { train, validation, settings }, changed = {}) => {
      await put(`jobs/${name}/train/train.jsonl`, train);
      if (validation !== undefined) await put(`jobs/${name}/validation/validation.jsonl`, validation);
      await put(
        `jobs/${name}/settings/settings.json`,
        JSON.stringify({ baseModel: 'tunegate-nano', ...settings }),
      );
      const input = { ...trainingJobInput(name, validation !== undefined), ...changed };
      await sageMaker.control.send(new CreateTrainingJobCommand(input));
    },
    describe,
    until: async (name, wanted) => {
      const find = async () => {
        const job = await describe(name);
        if (wanted(job)) return job;
        if (job.TrainingJobStatus === 'Failed') throw new Error(job.FailureReason);
        throw new Error(`${name} is ${job.SecondaryStatus}`);
      };
      return vi.waitFor(find, { timeout: JOB_WITHIN_MS, interval: 50 });
    },
    underWay: async (name) => {
      const folder = join(sageMaker.dataDirectory, 'training-jobs', name, 'ml/checkpoints');
      const found = () => existsSync(folder) && readdirSync(folder).some((file) => CHECKPOINT.test(file));
      await vi.waitUntil(found, { timeout: JOB_WITHIN_MS, interval: 10 });
    },
    trainers: () =>
      readFileSync(`/proc/${sageMaker.pid}/task/${sageMaker.pid}/children`, 'utf8')
        .trim()
        .split(' ')
        .filter((pid) => pid !== '')
        .map(Number),
    events: async () => {
      const input = { QueueUrl: queueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 };
      const { Messages = [] } = await aws.sqs.send(new ReceiveMessageCommand(input));
      return Messages.map(({ Body }) => JSON.parse(Body ?? ''));
    },
    createQueue: async () => {
      await aws.sqs.send(new CreateQueueCommand({ QueueName: EVENTS }));
    },
    fault: (body) => fetch(`${sageMaker.url}/faults`, { method: 'POST', body: JSON.stringify(body) }),
    keys: async (Prefix) =>
      ((await aws.s3.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix }))).Contents ?? []).map(
        ({ Key }) => Key ?? '',
      ),
    object,
    model: async (name) => {
      const directory = mkdtempSync(join(tmpdir(), 'tunegate-model-'));
      await pipeline(
        await object(`jobs/${name}/output/${name}/output/model.tar.gz`),
        extract({ cwd: directory }),
      );
      const files = readdirSync(directory).map((file) => [file, readFileSync(join(directory, file))]);
      rmSync(directory, { recursive: true });
      return Object.fromEntries(files);
    },
    log: (name) =>
      readFileSync(join(sageMaker.dataDirectory, 'training-jobs', name, 'container.log'), 'utf8'),
    restart: async (how) => {
      const { dataDirectory } = sageMaker;
      if (how === 'kill') await sageMaker.kill();
      else await sageMaker.stop({ keepData: true });
      sageMaker = await startTestSageMaker({ env, args, dataDirectory });
    },
    stop: async () => {
      await sageMaker.stop();
      await aws.stop();
    },
  };
}

/** As the product asks for a job. */
export const trainingJobInput = (
  name: string,
  validation = false,
  bucket = BUCKET,
): CreateTrainingJobCommandInput => ({
  TrainingJobName: name,
  AlgorithmSpecification: {
    TrainingImage: '763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-training:latest',
    TrainingInputMode: 'File',
    MetricDefinitions: [...METRIC_DEFINITIONS],
  },
  RoleArn: 'arn:aws:iam::000000000000:role/tunegate-training',
  InputDataConfig: ['base', 'train', 'settings', ...(validation ? ['validation'] : [])].map(
    (ChannelName) => ({
      ChannelName,
      DataSource: {
        S3DataSource: {
          S3DataType: 'S3Prefix',
          S3Uri: `s3://${bucket}/${ChannelName === 'base' ? 'bases/tunegate-nano/' : `jobs/${name}/${ChannelName}/`}`,
          S3DataDistributionType: 'FullyReplicated',
        },
      },
    }),
  ),
  OutputDataConfig: { S3OutputPath: `s3://${bucket}/jobs/${name}/output/` },
  CheckpointConfig: { S3Uri: `s3://${bucket}/jobs/${name}/checkpoints/` },
  ResourceConfig: { InstanceType: 'ml.g5.xlarge', InstanceCount: 1, VolumeSizeInGB: 30 },
  StoppingCondition: { MaxRuntimeInSeconds: 3_600, MaxWaitTimeInSeconds: 7_200 },
  EnableManagedSpotTraining: true,
  EnableNetworkIsolation: true,
  Tags: [{ Key: 'tunegate:tenant', Value: 'ten_1' }],
});
