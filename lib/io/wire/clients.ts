import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { SQSClient } from '@aws-sdk/client-sqs';
import { STSClient } from '@aws-sdk/client-sts';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

// Endpoints, region and credentials come from the SDK's own environment variables (AWS_ENDPOINT_URL_DYNAMODB, …):
// that is all that differs between AWS and one machine.

export const makeDynamoDb = (): DynamoDBDocumentClient =>
  DynamoDBDocumentClient.from(new DynamoDBClient({}), { marshallOptions: { removeUndefinedValues: true } });

// A queue URL names its own host; `useQueueUrlAsEndpoint` (the default) sends there.
export const makeSqs = (): SQSClient => new SQSClient({});

// Path-style works on AWS and is the only style that a server on 127.0.0.1 can offer.
export const makeS3 = (): S3Client => new S3Client({ forcePathStyle: true });

/** For a bucket that may be in another region than we are. */
export const makeExportS3 = (): S3Client =>
  new S3Client({ forcePathStyle: true, followRegionRedirects: true });

// No retries of the SDK's own: a call tries its engine once more itself, whichever kind it is (`startInference`).
export const makeSageMakerRuntime = (): SageMakerRuntimeClient =>
  new SageMakerRuntimeClient({ maxAttempts: 1 });

export const makeSts = (): STSClient => new STSClient({});

export const makeSageMaker = (): SageMakerClient => new SageMakerClient({});
