/** Tables, queues and buckets carry the product's name in front, as in the CDK stacks. */
export const resourceName = (name: string): string => `tunegate-${name}`;

export const ACCOUNT = '000000000000';
export const QUEUE_ARN_PREFIX = `arn:aws:sqs:us-east-1:${ACCOUNT}:`;
export const queueUrl = (awsUrl: string, name: string): string =>
  `${awsUrl}/${ACCOUNT}/${resourceName(name)}`;
