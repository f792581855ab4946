import * as z from 'zod/mini';
import { observeJob } from './observeJob.ts';
import type { FollowDesk } from './ports.ts';
import { jobOfAttempt } from './trainingRequest.ts';

/** `SageMaker Training Job State Change`, as far as it is read: only which job to look at. */
const StateChange = z.object({ detail: z.object({ TrainingJobName: z.string() }) });

/** Looks at the job that an event names. What is no such event, or about no open job of ours, is nobody's concern. */
export async function receiveTrainingEvent(desk: FollowDesk, body: string): Promise<void> {
  const parsed = z.safeParse(StateChange, JSON.parse(body));
  const id = parsed.success ? jobOfAttempt(desk.namePrefix, parsed.data.detail.TrainingJobName) : undefined;
  const job = id === undefined ? undefined : await desk.jobs.findOpen(id);
  if (job !== undefined) await observeJob(desk, { tenantId: job.tenantId, jobId: job.id });
}
