import { parseId, type TrainingJobId } from '#core/shared/ids.ts';
import { JOB_LIMITS } from './limits.ts';
import type { TrainingRequest } from './ports.ts';
import type { TrainingJob } from './types.ts';

type Named = Pick<TrainingJob, 'tenantId' | 'id'>;

/** Everything of a job is under its tenant's own prefix of the tenant data bucket. */
export const jobPrefix = ({ tenantId, id }: Named): string => `tenants/${tenantId}/training/${id}/`;

/** What SageMaker keeps equal with a job's checkpoints' folder. */
export const checkpointPrefix = (job: Named): string => `${jobPrefix(job)}checkpoints/`;

/** SageMaker's name for a job's attempt: the same attempt can be created once only. */
export const attemptName = (prefix: string, { id }: Pick<TrainingJob, 'id'>, number: number): string =>
  `${prefix}-${id}-${number}`;

/** The job whose attempt bears this name; undefined for names that are not ours. */
export function jobOfAttempt(prefix: string, name: string): TrainingJobId | undefined {
  const [, id = ''] = name.startsWith(`${prefix}-`)
    ? (/^(ftjob-.+)-\d+$/.exec(name.slice(prefix.length + 1)) ?? [])
    : [];
  return parseId<TrainingJobId>('trainingJob', id);
}

/** What SageMaker is asked for one attempt, from the job alone. */
export function trainingRequest(
  job: Pick<TrainingJob, 'tenantId' | 'id' | 'baseModel' | 'dataset'>,
  name: string,
): TrainingRequest {
  const prefix = jobPrefix(job);
  return {
    name,
    tenantId: job.tenantId,
    jobId: job.id,
    channels: {
      base: `bases/${job.baseModel}/`,
      train: `${prefix}train/`,
      validation: (job.dataset?.examples.validation ?? 0) > 0 ? `${prefix}validation/` : null,
      settings: `${prefix}settings/`,
    },
    outputPrefix: `${prefix}output/`,
    checkpointPrefix: checkpointPrefix(job),
    maxSeconds: JOB_LIMITS.trainingSeconds,
    maxWaitSeconds: JOB_LIMITS.trainingWaitSeconds,
  };
}
