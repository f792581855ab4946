import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { ChildService } from '#local/services/child.ts';
import { startService } from '#local/services/service.ts';

export const TEST_CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test-secret' };

export type TestAws = {
  readonly url: string;
  readonly service: ChildService;
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly stop: () => Promise<void>;
};

/** The local SQS and S3, in memory unless a folder is given, with the real SDK's clients. */
export async function startTestAws(options: { readonly data?: string } = {}): Promise<TestAws> {
  const service = await startService({
    name: 'aws',
    args: ['--port', '0', ...(options.data === undefined ? [] : ['--data', options.data])],
    env: {
      AWS_ACCESS_KEY_ID: TEST_CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: TEST_CREDENTIALS.secretAccessKey,
    },
  });
  const config = { endpoint: service.url, region: 'us-east-1', credentials: TEST_CREDENTIALS };
  const s3 = new S3Client({ ...config, forcePathStyle: true });
  const sqs = new SQSClient(config);
  return {
    url: service.url,
    service,
    s3,
    sqs,
    stop: async () => {
      s3.destroy();
      sqs.destroy();
      await service.stop();
    },
  };
}

/** The environment in which the local SageMaker finds this test's S3. */
export const s3Environment = (url: string) => ({
  AWS_ENDPOINT_URL_S3: url,
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: TEST_CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: TEST_CREDENTIALS.secretAccessKey,
});
