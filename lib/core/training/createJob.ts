import type { HoldRefused } from '#core/ledger/ports.ts';
import type { HoldId, KeyId, TenantId, TrainingJobId } from '#core/shared/ids.ts';
import type { MicroCredits } from '#core/shared/money.ts';
import { err, ok, type Result } from '#core/shared/result.ts';
import { changeJob } from './changeJob.ts';
import { JOB_LIMITS } from './limits.ts';
import { type JobPlan, type PlanRefused, planJob, type WantedTraining } from './planJob.ts';
import type { JobIntake } from './ports.ts';
import { moveJob } from './transitions.ts';
import type { DatasetOptions, Method, RequestKey, TrainingJob } from './types.ts';

export type NewJob = WantedTraining & {
  readonly keyId: KeyId;
  readonly method: Method;
  readonly datasetOptions: DatasetOptions;
  readonly suffix: string | null;
  /** Null: one is made of the job's id. */
  readonly seed: number | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** Requests with the same one make one job. */
  readonly requestKey: RequestKey | null;
};

export type JobRefused =
  | PlanRefused
  | { readonly code: 'too_many_jobs' }
  | { readonly code: 'idempotency_key_reused' }
  | { readonly code: 'request_in_progress' }
  | { readonly code: 'not_held'; readonly refused: HoldRefused; readonly amountMicro: MicroCredits };

type Created = Result<TrainingJob, JobRefused>;

/**
 * Takes a job in: checks its files, quotes it, holds the quote, and has it started. A draft is written before the
 * hold is placed, so that the hold of a request that dies is found and given back. A request whose key has made a job
 * is answered with that job, or goes on where the first one died: there is one hold, whoever places it.
 */
export async function createJob(intake: JobIntake, wanted: NewJob): Promise<Created> {
  const known = await findByKey(intake, wanted);
  if (known !== undefined) return goOn(intake, wanted, known);
  const planned = await planJob(intake, wanted);
  if (!planned.ok) return planned;
  if (await hasTooMany(intake, wanted.tenantId)) return err({ code: 'too_many_jobs' });
  const draft = draftOf(intake, wanted, planned.value);
  if (await intake.jobs.create(draft)) return holdAndStart(intake, draft);
  // Another request with the same key was here in the meantime.
  const other = await findByKey(intake, wanted);
  return other === undefined ? err({ code: 'request_in_progress' }) : goOn(intake, wanted, other);
}

async function findByKey(
  { jobs }: JobIntake,
  { tenantId, requestKey }: NewJob,
): Promise<TrainingJob | undefined> {
  const id = requestKey === null ? undefined : await jobs.findByKey(tenantId, requestKey.hash);
  return id === undefined ? undefined : jobs.read(tenantId, id);
}

async function goOn(intake: JobIntake, { requestKey }: NewJob, job: TrainingJob): Promise<Created> {
  if (job.requestKey?.bodyHash !== requestKey?.bodyHash) return err({ code: 'idempotency_key_reused' });
  if (job.state !== 'draft') {
    if (job.state === 'created') await intake.queue.send({ tenantId: job.tenantId, jobId: job.id });
    return ok(job);
  }
  // The reconciler clears old drafts away, and nobody may be at work on one then.
  const ageMs = intake.world.clock() - job.createdAtMs;
  return ageMs < JOB_LIMITS.draftMs / 2 ? holdAndStart(intake, job) : err({ code: 'request_in_progress' });
}

async function holdAndStart(intake: JobIntake, draft: TrainingJob): Promise<Created> {
  const { tenantId, id: jobId, holdId, keyId, quote } = draft;
  const ref = { tenantId, jobId };
  const held = await intake.ledger.placeHold({
    tenantId,
    keyId,
    holdId,
    amountMicro: quote.amountMicro,
    nowMs: intake.world.clock(),
    expiresAtMs: draft.createdAtMs + JOB_LIMITS.holdMs,
  });
  if (!held.ok) {
    await intake.jobs.removeDraft(draft);
    return err({ code: 'not_held', refused: held.error, amountMicro: quote.amountMicro });
  }
  const created = await changeJob(intake, ref, (job) =>
    job.state === 'draft'
      ? {
          job: moveJob(job, 'created', intake.world.clock()),
          told: { level: 'info', message: `Created fine-tuning job: ${job.id}` },
        }
      : undefined,
  );
  if (created.outcome === 'unknown') {
    // A request with the same key was refused its hold just before, and took the draft away.
    await intake.ledger.voidHold(tenantId, holdId);
    return err({ code: 'request_in_progress' });
  }
  await intake.queue.send(ref);
  return ok(created.job);
}

const hasTooMany = async ({ jobs }: JobIntake, tenantId: TenantId): Promise<boolean> =>
  (await jobs.listOpen()).filter((job) => job.tenantId === tenantId).length >= JOB_LIMITS.openJobsPerTenant;

function draftOf({ world }: JobIntake, wanted: NewJob, planned: JobPlan): TrainingJob {
  const id = world.newId<TrainingJobId>('trainingJob');
  const { model, wished: _, seed, ...given } = wanted;
  const nowMs = world.clock();
  return {
    ...given,
    ...planned,
    id,
    holdId: world.newId<HoldId>('hold'),
    version: 0,
    state: 'draft',
    baseModel: model,
    seed: seed ?? seedOf(id),
    dataset: null,
    attempts: [],
    phase: null,
    putOff: { times: 0, untilMs: 0 },
    artifactKey: null,
    metrics: { trainLoss: null, validationLoss: null, validationExact: null },
    trainedEpochs: 0,
    verdict: null,
    checkpoints: [],
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    finishedAtMs: null,
  };
}

const SEEDS = 2 ** 31;

/** A seed that differs from job to job and is the same whenever it is asked for. */
function seedOf(id: TrainingJobId): number {
  let seed = 0;
  for (const character of id) seed = (seed * 31 + (character.codePointAt(0) ?? 0)) % SEEDS;
  return seed;
}
