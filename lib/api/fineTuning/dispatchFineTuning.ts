import { makeDispatch, type RouteHandler, type RouteHandlers } from '#api/edge/makeDispatch.ts';
import type { JobIntake } from '#core/training/ports.ts';
import { cancelFineTuningJob } from './cancelFineTuningJob.ts';
import { createFineTuningJob } from './createFineTuningJob.ts';
import { listFineTuningCheckpoints } from './jobCheckpoints.ts';
import { listFineTuningEvents, listFineTuningJobs, retrieveFineTuningJob } from './jobRecords.ts';
import { quoteFineTuningJob } from './quoteFineTuningJob.ts';
import { listTenantJobs } from './tenantJobs.ts';

export type FineTuningDeps = JobIntake & {
  readonly topUpUrl: string;
  /** Of a text's UTF-8 bytes, hex. */
  readonly sha256: (text: string) => string;
};
export type FineTuningHandler = RouteHandler<FineTuningDeps>;

const HANDLERS: RouteHandlers<'fine-tuning', FineTuningDeps> = {
  createFineTuningJob,
  quoteFineTuningJob,
  listFineTuningJobs,
  retrieveFineTuningJob,
  cancelFineTuningJob,
  listFineTuningEvents,
  listFineTuningCheckpoints,
  listTenantJobs,
};

/** Serves the routes of the function `fine-tuning`. */
export const dispatchFineTuning = makeDispatch<FineTuningDeps>(HANDLERS);
