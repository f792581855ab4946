import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { AssumeRoleCommand, type STSClient } from '@aws-sdk/client-sts';
import type { TrainingRequest } from '#core/training/ports.ts';
import { JOB_TAG, TENANT_TAG } from '#io/definitions/resources.ts';

/** The shortest that there is: a session creates one training job. */
const SESSION_SECONDS = 900;

/** A client that may create the training jobs of one job, and no others. */
export type JobCreator = (job: Pick<TrainingRequest, 'tenantId' | 'jobId'>) => Promise<SageMakerClient>;

/**
 * Takes the role that creates training jobs, in a session that bears the tenant and the job as tags. SageMaker hands
 * them on to the role of the training itself, which by these tags reads and writes one job's prefix.
 */
export const makeJobCreator =
  (sts: STSClient, roleArn: string): JobCreator =>
  async ({ tenantId, jobId }) => {
    const { Credentials } = await sts.send(
      new AssumeRoleCommand({
        RoleArn: roleArn,
        RoleSessionName: jobId,
        DurationSeconds: SESSION_SECONDS,
        Tags: [
          { Key: TENANT_TAG, Value: tenantId },
          { Key: JOB_TAG, Value: jobId },
        ],
      }),
    );
    const { AccessKeyId, SecretAccessKey, SessionToken } = Credentials ?? {};
    if (AccessKeyId === undefined || SecretAccessKey === undefined || SessionToken === undefined)
      throw new Error('AssumeRole answered without credentials');
    return new SageMakerClient({
      credentials: {
        accessKeyId: AccessKeyId,
        secretAccessKey: SecretAccessKey,
        sessionToken: SessionToken,
      },
    });
  };
