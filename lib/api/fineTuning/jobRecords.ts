import * as z from 'zod/mini';
import { idParam } from '#api/control/fields.ts';
import { callingTenant } from '#api/edge/authorize.ts';
import { readQuery } from '#api/edge/readBody.ts';
import type { ApiError } from '#api/errors.ts';
import { type ApiRequest, refuse, respond } from '#api/http.ts';
import { parseId, type TrainingJobId } from '#core/shared/ids.ts';
import { listEvents } from '#core/training/listEvents.ts';
import { readProgress, remainingSeconds } from '#core/training/progress.ts';
import type { TrainingJob } from '#core/training/types.ts';
import type { FineTuningDeps, FineTuningHandler } from './dispatchFineTuning.ts';
import { eventObject, jobObject } from './jobObject.ts';

export const DEFAULT_PAGE = 20;
const MAX_PAGE = 100;

export const PageQuery = z.strictObject({
  after: z.optional(z.string().check(z.minLength(1), z.maxLength(200))),
  limit: z.optional(
    z.string().check(
      z.refine((text) => /^\d{1,3}$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_PAGE, {
        error: `must be a whole number from 1 to ${MAX_PAGE}`,
      }),
    ),
  ),
});

export const JOB_NOT_FOUND: ApiError = {
  code: 'not_found',
  message: 'You have no fine-tuning job with this id. GET /v1/fine_tuning/jobs lists yours.',
  param: 'fine_tuning_job_id',
};

/** `GET /fine_tuning/jobs?limit=&after=` → the tenant's jobs, newest first. */
export const listFineTuningJobs: FineTuningHandler = async ({ jobs }, request) => {
  const query = readQuery(request, PageQuery);
  if (!query.ok) return refuse(query.error);
  const { limit, after } = query.value;
  const afterId = after === undefined ? undefined : parseId<TrainingJobId>('trainingJob', after);
  if (after !== undefined && afterId === undefined) return respond(200, listObject([], false));
  const page = await jobs.list(callingTenant(request), {
    limit: Number(limit ?? DEFAULT_PAGE),
    ...(afterId === undefined ? {} : { after: afterId }),
  });
  return respond(
    200,
    listObject(
      page.jobs.map((job) => jobObject(job)),
      page.more,
    ),
  );
};

/** `GET /fine_tuning/jobs/{job}`; of one that is training, when it will be done. */
export const retrieveFineTuningJob: FineTuningHandler = async (deps, request) => {
  const job = await jobOf(deps, request);
  if (job === undefined) return refuse(JOB_NOT_FOUND);
  if (job.state !== 'training') return respond(200, jobObject(job));
  const remaining = remainingSeconds(await readProgress(deps.objects, job));
  return respond(200, jobObject(job, remaining, deps.world.clock()));
};

/** `GET /fine_tuning/jobs/{job}/events?limit=&after=` → what happened, newest first. */
export const listFineTuningEvents: FineTuningHandler = async (deps, request) => {
  const query = readQuery(request, PageQuery);
  if (!query.ok) return refuse(query.error);
  const job = await jobOf(deps, request);
  if (job === undefined) return refuse(JOB_NOT_FOUND);
  const { limit, after } = query.value;
  const page = await listEvents(deps, job, {
    limit: Number(limit ?? DEFAULT_PAGE),
    ...(after === undefined ? {} : { after }),
  });
  return respond(200, listObject(page.events.map(eventObject), page.more));
};

export const listObject = (data: readonly { readonly id: string }[], more: boolean) => ({
  object: 'list',
  data,
  first_id: data[0]?.id ?? null,
  last_id: data.at(-1)?.id ?? null,
  has_more: more,
});

/** The job that a path names, of the tenant who asks; a draft is none yet. */
export async function jobOf({ jobs }: FineTuningDeps, request: ApiRequest): Promise<TrainingJob | undefined> {
  const id = idParam<TrainingJobId>(request, 'job', 'trainingJob');
  const job = id === undefined ? undefined : await jobs.read(callingTenant(request), id);
  return job?.state === 'draft' ? undefined : job;
}
