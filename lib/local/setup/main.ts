import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { requireVariable } from '#io/wire/environment.ts';
import { resourceName } from '#local/services/names.ts';
import { createTables } from './createTables.ts';
import { createBuckets, createQueues } from './queuesAndBuckets.ts';
import { uploadTrainingFiles } from './trainingFiles.ts';

// What `cdk deploy` does on AWS: creates every table, queue and bucket that is not there yet, and puts there what
// training jobs read. A process of its own, so that what it loads is gone when the product runs.
try {
  const aws = requireVariable(process.env, 'AWS_ENDPOINT_URL_SQS');
  const s3 = new S3Client({ forcePathStyle: true });
  await Promise.all([
    createTables(new DynamoDBClient({}), resourceName('')),
    createQueues(new SQSClient({}), aws),
    createBuckets(s3).then(() => uploadTrainingFiles(s3)),
  ]);
} catch (error) {
  console.error(error instanceof Error ? `${error.name}: ${error.message}` : error);
  process.exitCode = 1;
}
