import { randomUUID } from 'node:crypto';
import { ACCOUNT } from '#local/services/names.ts';
import { type JobRecord, primaryStatus } from './jobRecord.ts';

const REGION = 'us-east-1';
/** What a spot instance costs of the same one on demand: bills count it as so much less time. */
const SPOT_PRICE_SHARE = 0.3;

export const trainingJobArn = (name: string): string =>
  `arn:aws:sagemaker:${REGION}:${ACCOUNT}:training-job/${name}`;

/** What DescribeTrainingJob answers. Times are seconds, as JSON 1.1 has them. */
export const describeJob = (record: JobRecord): Readonly<Record<string, unknown>> =>
  descriptionOf(record, (ms) => ms / 1_000);

/** What ListTrainingJobs shows of a job. */
export const summarizeJob = (record: JobRecord): Readonly<Record<string, unknown>> => ({
  TrainingJobName: record.request.TrainingJobName,
  TrainingJobArn: trainingJobArn(record.request.TrainingJobName),
  CreationTime: record.createdAtMs / 1_000,
  ...(record.endedAtMs === null ? {} : { TrainingEndTime: record.endedAtMs / 1_000 }),
  LastModifiedTime: record.updatedAtMs / 1_000,
  TrainingJobStatus: primaryStatus(record),
  SecondaryStatus: record.secondaryStatus,
});

/** The event that EventBridge sends of a job's change: times in milliseconds, tags as an object. */
export const stateChangeEvent = (record: JobRecord) => ({
  version: '0',
  id: randomUUID(),
  'detail-type': 'SageMaker Training Job State Change',
  source: 'aws.sagemaker',
  account: ACCOUNT,
  time: `${new Date(record.updatedAtMs).toISOString().slice(0, 19)}Z`,
  region: REGION,
  resources: [trainingJobArn(record.request.TrainingJobName)],
  detail: {
    ...descriptionOf(record, (ms) => ms),
    Tags: Object.fromEntries((record.request.Tags ?? []).map(({ Key, Value }) => [Key, Value])),
  },
});
export type StateChangeEvent = ReturnType<typeof stateChangeEvent>;

function descriptionOf(record: JobRecord, time: (ms: number) => number) {
  const { Tags: _, ...request } = record.request;
  const timed = (name: string, ms: number | null) => (ms === null ? {} : { [name]: time(ms) });
  return {
    ...request,
    TrainingJobArn: trainingJobArn(request.TrainingJobName),
    TrainingJobStatus: primaryStatus(record),
    SecondaryStatus: record.secondaryStatus,
    SecondaryStatusTransitions: record.transitions.map(({ status, startMs, endMs, message }) => ({
      Status: status,
      StartTime: time(startMs),
      ...timed('EndTime', endMs),
      StatusMessage: message,
    })),
    CreationTime: time(record.createdAtMs),
    LastModifiedTime: time(record.updatedAtMs),
    ...timed('TrainingStartTime', record.trainingStartedAtMs),
    ...timed('TrainingEndTime', record.endedAtMs),
    ...(record.failureReason === null ? {} : { FailureReason: record.failureReason }),
    ...(record.artifactUri === null ? {} : { ModelArtifacts: { S3ModelArtifacts: record.artifactUri } }),
    ...durations(record),
    FinalMetricDataList: Object.entries(record.metrics).map(([MetricName, { value, atMs }]) => ({
      MetricName,
      Value: value,
      Timestamp: time(atMs),
    })),
  };
}

/** Known when the job has ended. One that no instance was ever found for has none. */
function durations({ endedAtMs, trainingStartedAtMs, trainedMs, request }: JobRecord) {
  if (endedAtMs === null || trainingStartedAtMs === null) return {};
  const seconds = Math.max(1, Math.ceil(trainedMs / 1_000));
  const share = request.EnableManagedSpotTraining === true ? SPOT_PRICE_SHARE : 1;
  return { TrainingTimeInSeconds: seconds, BillableTimeInSeconds: Math.ceil(seconds * share) };
}
