import { JOB_TAG, TENANT_TAG, TRAINING_CODE_PREFIX } from '#io/definitions/resources.ts';
import { type SessionTags, tagsOf } from '#local/aws/sts.ts';
import { AwsError } from '#local/sagemaker/http.ts';
import type { CreateTrainingJobInput } from './createInput.ts';

/** What every job may read beside its own prefix. */
const SHARED = ['bases/', TRAINING_CODE_PREFIX];

/**
 * Holds a training job to the prefix of the job that its session's tags name, as the policy of its role does in AWS
 * (there the job fails when it reaches for more). Throws ValidationException, and AccessDeniedException for a session
 * that says nothing of a job. A request without session tags is not held to anything, as AWS would not by itself.
 */
export function checkJobAccess(request: CreateTrainingJobInput, token: string | undefined): void {
  if (request.SessionChainingConfig?.EnableSessionTagChaining !== true) return;
  const secret = process.env['AWS_SECRET_ACCESS_KEY'] ?? 'local';
  const tags = token === undefined ? undefined : tagsOf(token, secret, Date.now());
  if (tags === undefined)
    throw new AwsError('AccessDeniedException', 403, 'The session has no tags that could be handed on.');
  const own = ownPrefix(tags);
  const read = (request.InputDataConfig ?? []).map(({ DataSource }) => DataSource.S3DataSource.S3Uri);
  const written = [request.OutputDataConfig.S3OutputPath];
  if (request.CheckpointConfig !== undefined) written.push(request.CheckpointConfig.S3Uri);
  for (const uri of written) hold(uri, [own]);
  for (const uri of read) hold(uri, [own, ...SHARED]);
}

const ownPrefix = (tags: SessionTags): string =>
  `tenants/${tags[TENANT_TAG] ?? ''}/training/${tags[JOB_TAG] ?? ''}/`;

function hold(uri: string, prefixes: readonly string[]): void {
  const key = uri.replace(/^s3:\/\/[^/]+\//u, '');
  if (prefixes.some((prefix) => key.startsWith(prefix))) return;
  throw new AwsError('ValidationException', 400, `The role of the training job may not reach ${uri}.`);
}
