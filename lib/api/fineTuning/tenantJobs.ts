import { idParam, toSeconds } from '#api/control/fields.ts';
import { TENANT_NOT_FOUND } from '#api/control/tenantRefusals.ts';
import { readQuery } from '#api/edge/readBody.ts';
import { refuse, respond } from '#api/http.ts';
import { parseId, type TenantId, type TrainingJobId } from '#core/shared/ids.ts';
import type { Attempt, TrainingJob } from '#core/training/types.ts';
import type { FineTuningHandler } from './dispatchFineTuning.ts';
import { jobObject } from './jobObject.ts';
import { DEFAULT_PAGE, PageQuery } from './jobRecords.ts';

/** `GET /admin/tenants/{tenant}/jobs?limit=&after=` → a tenant's jobs, newest first, with what they cost in dollars. */
export const listTenantJobs: FineTuningHandler = async ({ jobs, directory }, request) => {
  const query = readQuery(request, PageQuery);
  if (!query.ok) return refuse(query.error);
  const tenantId = idParam<TenantId>(request, 'tenant', 'tenant');
  const tenant = tenantId === undefined ? undefined : await directory.readTenant(tenantId);
  if (tenant === undefined) return refuse(TENANT_NOT_FOUND);
  const { limit, after } = query.value;
  const afterId = after === undefined ? undefined : parseId<TrainingJobId>('trainingJob', after);
  const page = await jobs.list(tenant.id, {
    limit: Number(limit ?? DEFAULT_PAGE),
    ...(afterId === undefined ? {} : { after: afterId }),
  });
  return respond(200, { object: 'list', data: page.jobs.map(agencyJob), has_more: page.more });
};

const agencyJob = (job: TrainingJob) => ({
  ...jobObject(job),
  cost: { usd: usdText(job.attempts), attempts: job.attempts.map(attemptBody) },
});

const attemptBody = (attempt: Attempt) => ({
  name: attempt.name,
  started_at: toSeconds(attempt.startedAtMs),
  training_seconds: attempt.trainingSeconds,
  billable_seconds: attempt.billableSeconds,
});

const MICRO_USD = 1_000_000;

/** Dollars with six decimals, of all attempts whose bill is known. */
const usdText = (attempts: readonly Attempt[]): string =>
  (attempts.reduce((sum, { costMicroUsd }) => sum + (costMicroUsd ?? 0), 0) / MICRO_USD).toFixed(6);
