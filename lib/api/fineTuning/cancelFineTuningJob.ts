import { idParam } from '#api/control/fields.ts';
import { callingTenant } from '#api/edge/authorize.ts';
import { refuse, respond } from '#api/http.ts';
import type { TrainingJobId } from '#core/shared/ids.ts';
import { cancelJob } from '#core/training/cancelJob.ts';
import type { FineTuningHandler } from './dispatchFineTuning.ts';
import { jobObject, statusOf } from './jobObject.ts';
import { JOB_NOT_FOUND } from './jobRecords.ts';

/** `POST /fine_tuning/jobs/{job}/cancel` → the job, `cancelled`. Repeated, the same. */
export const cancelFineTuningJob: FineTuningHandler = async (deps, request) => {
  const jobId = idParam<TrainingJobId>(request, 'job', 'trainingJob');
  if (jobId === undefined) return refuse(JOB_NOT_FOUND);
  const cancelled = await cancelJob(deps, { tenantId: callingTenant(request), jobId });
  if (cancelled.ok) return respond(200, jobObject(cancelled.value));
  if (cancelled.error.code === 'unknown_job') return refuse(JOB_NOT_FOUND);
  return refuse({
    code: 'invalid_request',
    message: `The job has ${statusOf(cancelled.error.job)} already and cannot be cancelled.`,
    param: 'fine_tuning_job_id',
  });
};
