import {
  CreateTrainingJobCommand,
  type CreateTrainingJobCommandInput,
  DescribeTrainingJobCommand,
  type DescribeTrainingJobCommandOutput,
  type SageMakerClient,
  StopTrainingJobCommand,
  type TrainingInstanceType,
  type TrainingJobStatus,
} from '@aws-sdk/client-sagemaker';
import { err, ok } from '#core/shared/result.ts';
import { METRIC_DEFINITIONS } from '#core/training/metricDefinitions.ts';
import type { TrainingRequest, TrainingService, TrainingState } from '#core/training/ports.ts';
import type { JobCreator } from './jobCreator.ts';
import { isMissing, isTaken, isValidation, trainingRefusal } from './trainingRefusals.ts';

/** What every training job of a deployment has in common. */
export type TrainingConfiguration = {
  /** The tenant data bucket: everything that a job reads and writes is in it. */
  readonly bucket: string;
  /** What the job itself may do. */
  readonly roleArn: string;
  readonly image: string;
  readonly instanceType: TrainingInstanceType;
  readonly volumeGb: number;
  /** Folder of containers/training in the bucket. */
  readonly codePrefix: string;
  /** Encrypts the archive and the instance's disk; null: as the bucket does. */
  readonly kmsKeyArn: string | null;
};

const CODE_CHANNEL = 'code';
/** A job has no network, so its program comes like its data. */
const ENTRYPOINT = ['python3', `/opt/ml/input/data/${CODE_CHANNEL}/train.py`];

const STATUSES: Partial<Record<TrainingJobStatus, TrainingState['status']>> = {
  InProgress: 'in_progress',
  Completed: 'completed',
  Failed: 'failed',
  Stopping: 'stopping',
  Stopped: 'stopped',
};

/** Creates training jobs, each on a managed spot instance without a network, with a client that may create that one. */
export const makeTrainingCreate =
  (creator: JobCreator, configuration: TrainingConfiguration): TrainingService['create'] =>
  async (request) => {
    try {
      const client = await creator(request);
      await client.send(new CreateTrainingJobCommand(createInput(request, configuration)));
      return ok('created');
    } catch (error) {
      if (isTaken(error)) return ok('exists');
      const refusal = trainingRefusal(error);
      if (refusal === undefined) throw error;
      return err(refusal);
    }
  };

/** Asks about training jobs, whose archives are in this bucket, and stops them. */
export const makeTrainingWatch = (
  client: SageMakerClient,
  bucket: string,
): Omit<TrainingService, 'create'> => ({
  describe: async (name) => {
    try {
      return stateOf(await client.send(new DescribeTrainingJobCommand({ TrainingJobName: name })), bucket);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  },
  stop: async (name) => {
    try {
      await client.send(new StopTrainingJobCommand({ TrainingJobName: name }));
    } catch (error) {
      // It has ended already, or was never there.
      if (!isValidation(error) && !isMissing(error)) throw error;
    }
  },
});

function createInput(
  request: TrainingRequest,
  configuration: TrainingConfiguration,
): CreateTrainingJobCommandInput {
  const { bucket, kmsKeyArn } = configuration;
  const uri = (prefix: string): string => `s3://${bucket}/${prefix}`;
  const channels = { ...request.channels, [CODE_CHANNEL]: configuration.codePrefix };
  return {
    TrainingJobName: request.name,
    AlgorithmSpecification: {
      TrainingImage: configuration.image,
      TrainingInputMode: 'File',
      ContainerEntrypoint: ENTRYPOINT,
      MetricDefinitions: [...METRIC_DEFINITIONS],
    },
    RoleArn: configuration.roleArn,
    InputDataConfig: Object.entries(channels).flatMap(([ChannelName, prefix]) =>
      prefix === null
        ? []
        : [
            {
              ChannelName,
              DataSource: {
                S3DataSource: {
                  S3DataType: 'S3Prefix' as const,
                  S3Uri: uri(prefix),
                  S3DataDistributionType: 'FullyReplicated' as const,
                },
              },
            },
          ],
    ),
    OutputDataConfig: {
      S3OutputPath: uri(request.outputPrefix),
      ...(kmsKeyArn === null ? {} : { KmsKeyId: kmsKeyArn }),
    },
    CheckpointConfig: { S3Uri: uri(request.checkpointPrefix) },
    ResourceConfig: {
      InstanceType: configuration.instanceType,
      InstanceCount: 1,
      VolumeSizeInGB: configuration.volumeGb,
    },
    StoppingCondition: {
      MaxRuntimeInSeconds: request.maxSeconds,
      MaxWaitTimeInSeconds: request.maxWaitSeconds,
    },
    EnableManagedSpotTraining: true,
    EnableNetworkIsolation: true,
    SessionChainingConfig: { EnableSessionTagChaining: true },
    Tags: [
      { Key: 'tunegate:tenant', Value: request.tenantId },
      { Key: 'tunegate:job', Value: request.jobId },
    ],
  };
}

function stateOf(job: DescribeTrainingJobCommandOutput, bucket: string): TrainingState {
  const status = STATUSES[job.TrainingJobStatus ?? 'InProgress'];
  if (status === undefined) throw new Error(`a training job is ${job.TrainingJobStatus}`);
  const archive = job.ModelArtifacts?.S3ModelArtifacts ?? '';
  const here = `s3://${bucket}/`;
  return {
    status,
    secondaryStatus: job.SecondaryStatus ?? '',
    failureReason: job.FailureReason ?? null,
    // SageMaker tells where the archive will be before it is there.
    artifactKey: status === 'completed' && archive.startsWith(here) ? archive.slice(here.length) : null,
    trainingSeconds: job.TrainingTimeInSeconds ?? null,
    billableSeconds: job.BillableTimeInSeconds ?? null,
    metrics: Object.fromEntries(
      (job.FinalMetricDataList ?? []).flatMap(({ MetricName, Value }) =>
        MetricName === undefined || Value === undefined ? [] : [[MetricName, Value]],
      ),
    ),
  };
}
