import * as z from 'zod/mini';
import { AwsError } from '#local/sagemaker/http.ts';
import { parseInput } from '#local/sagemaker/parseInput.ts';

const DAY_SECONDS = 24 * 3_600;
const MAX_RUNTIME_SECONDS = 28 * DAY_SECONDS;
const DEFAULT_RUNTIME_SECONDS = DAY_SECONDS;

const text = (max: number) => z.string().check(z.minLength(1), z.maxLength(max));
const pairs = (count: number, key: number, value: number) =>
  z
    .record(z.string().check(z.maxLength(key)), z.string().check(z.maxLength(value)))
    .check(z.refine((given) => Object.keys(given).length <= count, `at most ${count} are allowed`));
const S3Uri = z.string().check(z.maxLength(1_024), z.regex(/^s3:\/\/[^/]+\/?.*$/u));
const MetricDefinition = z.object({ Name: text(255), Regex: text(500) });

const Channel = z.strictObject({
  ChannelName: z.string().check(z.maxLength(64), z.regex(/^[A-Za-z0-9.\-_]+$/u)),
  DataSource: z.strictObject({
    S3DataSource: z.strictObject({
      S3DataType: z.literal('S3Prefix'),
      S3Uri,
      S3DataDistributionType: z.optional(z.literal('FullyReplicated')),
    }),
  }),
  ContentType: z.optional(z.string()),
  CompressionType: z.optional(z.literal('None')),
  RecordWrapperType: z.optional(z.literal('None')),
  InputMode: z.optional(z.enum(['File', 'FastFile'])),
});

/**
 * What CreateTrainingJob takes here. What SageMaker knows and this server does not do is refused by name, so that
 * nobody believes that it was done.
 */
export const CreateTrainingJobInput = z.strictObject({
  TrainingJobName: z
    .string()
    .check(z.minLength(1), z.maxLength(63), z.regex(/^[a-zA-Z0-9](-*[a-zA-Z0-9])*$/u)),
  HyperParameters: z.optional(pairs(100, 256, 2_500)),
  AlgorithmSpecification: z.strictObject({
    TrainingImage: text(255),
    TrainingInputMode: z.enum(['File', 'FastFile']),
    MetricDefinitions: z.optional(z.array(MetricDefinition).check(z.maxLength(40))),
    EnableSageMakerMetricsTimeSeries: z.optional(z.boolean()),
    ContainerEntrypoint: z.optional(z.array(text(256)).check(z.maxLength(100))),
    ContainerArguments: z.optional(z.array(text(256)).check(z.maxLength(100))),
  }),
  RoleArn: z.string().check(z.maxLength(2_048), z.regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/\S+$/u)),
  InputDataConfig: z.optional(z.array(Channel).check(z.minLength(1), z.maxLength(20))),
  OutputDataConfig: z.strictObject({
    S3OutputPath: S3Uri,
    KmsKeyId: z.optional(z.string()),
    CompressionType: z.optional(z.literal('GZIP')),
  }),
  ResourceConfig: z.strictObject({
    InstanceType: z.string().check(z.regex(/^ml\.[a-z0-9-]+\.[a-z0-9]+$/u)),
    InstanceCount: z.literal(1),
    VolumeSizeInGB: z.int().check(z.gte(1)),
    VolumeKmsKeyId: z.optional(z.string()),
  }),
  StoppingCondition: z.strictObject({
    MaxRuntimeInSeconds: z._default(
      z.int().check(z.gte(1), z.lte(MAX_RUNTIME_SECONDS)),
      DEFAULT_RUNTIME_SECONDS,
    ),
    MaxWaitTimeInSeconds: z.optional(z.int().check(z.gte(1))),
  }),
  Tags: z.optional(
    z.array(z.object({ Key: text(128), Value: z.string().check(z.maxLength(256)) })).check(z.maxLength(50)),
  ),
  EnableNetworkIsolation: z.optional(z.boolean()),
  SessionChainingConfig: z.optional(z.strictObject({ EnableSessionTagChaining: z.optional(z.boolean()) })),
  EnableInterContainerTrafficEncryption: z.optional(z.boolean()),
  EnableManagedSpotTraining: z.optional(z.boolean()),
  CheckpointConfig: z.optional(
    z.strictObject({ S3Uri, LocalPath: z.optional(z.literal('/opt/ml/checkpoints')) }),
  ),
  Environment: z.optional(pairs(100, 512, 512)),
});
export type CreateTrainingJobInput = Readonly<z.infer<typeof CreateTrainingJobInput>>;

/** Reads CreateTrainingJob's input and holds its parts against each other. Throws ValidationException. */
export function readCreateInput(body: unknown): CreateTrainingJobInput {
  const input = parseInput(CreateTrainingJobInput, body);
  const channels = (input.InputDataConfig ?? []).map(({ ChannelName }) => ChannelName);
  if (new Set(channels).size !== channels.length) throw refused('Channel names must be unique.');
  const { MaxRuntimeInSeconds, MaxWaitTimeInSeconds } = input.StoppingCondition;
  if (input.EnableManagedSpotTraining === true) {
    if (MaxWaitTimeInSeconds === undefined) {
      throw refused('MaxWaitTimeInSeconds is required when EnableManagedSpotTraining is set to true.');
    }
    if (MaxWaitTimeInSeconds < MaxRuntimeInSeconds) {
      throw refused(
        'Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds.',
      );
    }
  } else if (MaxWaitTimeInSeconds !== undefined) {
    throw refused('MaxWaitTimeInSeconds can only be set when EnableManagedSpotTraining is set to true.');
  }
  for (const { Name, Regex } of input.AlgorithmSpecification.MetricDefinitions ?? []) {
    if (!isRegex(Regex)) throw refused(`The regular expression of the metric ${Name} is not valid.`);
  }
  return input;
}

const refused = (message: string): AwsError => new AwsError('ValidationException', 400, message);

function isRegex(pattern: string): boolean {
  try {
    return new RegExp(pattern) instanceof RegExp;
  } catch {
    return false;
  }
}
