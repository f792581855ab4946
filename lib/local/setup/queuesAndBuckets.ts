import { BucketAlreadyOwnedByYou, CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, SetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { BUCKETS, LONGEST_KEPT_SECONDS, QUEUES, type QueueDefinition } from '#io/definitions/resources.ts';
import { QUEUE_ARN_PREFIX, queueUrl, resourceName } from '#local/services/names.ts';

/** Creates every queue with its dead-letter queue; one that is there keeps its messages and takes the definition's settings. */
export async function createQueues(sqs: SQSClient, awsUrl: string): Promise<void> {
  for (const queue of Object.values<QueueDefinition>(QUEUES)) {
    const deadLetters = `${queue.name}-dlq`;
    const MessageRetentionPeriod = String(queue.keptSeconds ?? LONGEST_KEPT_SECONDS);
    await createQueue(sqs, awsUrl, deadLetters, { MessageRetentionPeriod });
    await createQueue(sqs, awsUrl, queue.name, {
      VisibilityTimeout: String(queue.visibilitySeconds),
      MessageRetentionPeriod,
      RedrivePolicy: JSON.stringify({
        deadLetterTargetArn: `${QUEUE_ARN_PREFIX}${resourceName(deadLetters)}`,
        maxReceiveCount: queue.maxReceives,
      }),
    });
  }
}

async function createQueue(
  sqs: SQSClient,
  awsUrl: string,
  name: string,
  Attributes: Readonly<Record<string, string>>,
): Promise<void> {
  await sqs.send(new CreateQueueCommand({ QueueName: resourceName(name) }));
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl: queueUrl(awsUrl, name), Attributes }));
}

/** Creates every bucket that is not there yet. */
export async function createBuckets(s3: S3Client): Promise<void> {
  for (const bucket of Object.values(BUCKETS)) {
    try {
      await s3.send(new CreateBucketCommand({ Bucket: resourceName(bucket.name) }));
    } catch (error) {
      if (!(error instanceof BucketAlreadyOwnedByYou)) throw error;
    }
  }
}
