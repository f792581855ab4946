import type { AdapterId, TenantId, TrainingJobId } from '#core/shared/ids.ts';
import { addModel } from '#core/tenants/addModel.ts';
import { auditRecord } from '#core/tenants/tenancy.ts';
import { completeJob, failJob } from '#core/training/completeJob.ts';
import { finishEnding } from '#core/training/endJob.ts';
import { jobPrefix } from '#core/training/trainingRequest.ts';
import type { TrainingJob } from '#core/training/types.ts';
import { deployAdapter, undeployAdapter } from './directAdapter.ts';
import { lookAfter } from './lookAfter.ts';
import type { DeployDesk } from './ports.ts';
import { DEFAULT_PROBES, PROBE_LIMITS, probesFromLines } from './probes.ts';
import { registerAdapter } from './registerAdapter.ts';
import type { Adapter, Probe } from './types.ts';

type Import = {
  readonly kind: 'import';
  readonly tenantId: TenantId;
  readonly jobId: TrainingJobId;
  /** What the job's adapter was registered as, once it was. */
  readonly adapterId?: AdapterId | undefined;
};

const actOf = (jobId: TrainingJobId) => ({ actor: 'tunegate', reason: `training job ${jobId}` });
const refOf = ({ tenantId, id }: Adapter) => ({ tenantId, adapterId: id });

/**
 * Takes a finished training job's adapter into service: registers and deploys it, and ends the job when its model can
 * be called, or cannot come to be. The message to look again with; undefined when the job has ended.
 */
export async function importAdapter(
  desk: DeployDesk,
  message: Import,
): Promise<(Import & { readonly adapterId: AdapterId }) | undefined> {
  const job = await desk.jobs.jobs.read(message.tenantId, message.jobId);
  // Decided already, by a look that was cut off: what is left is its credits.
  if (job?.state === 'ending') await finishEnding(desk.jobs, message);
  if (job?.state !== 'importing') return undefined;
  const adapterId = message.adapterId ?? (await register(desk, job));
  if (adapterId === undefined) return undefined;
  const look = await lookAfter(desk, { tenantId: job.tenantId, adapterId });
  if (look.kind === 'waiting') return { ...message, adapterId };
  if (look.kind === 'unknown') throw new Error(`the adapter ${adapterId} of ${job.id} is gone`);
  return (await finish(desk, job, look.adapter)) ? undefined : { ...message, adapterId };
}

/** Registers the job's adapter and has it deployed; undefined when the job failed by it. */
async function register(desk: DeployDesk, job: TrainingJob): Promise<AdapterId | undefined> {
  if (job.artifactKey === null)
    return failImport(desk, job, 'artifact_missing', 'The training left no adapter.');
  const registered = await registerAdapter(desk, {
    tenantId: job.tenantId,
    sourceKey: job.artifactKey,
    baseModel: job.baseModel,
    probes: await probesOf(desk, job),
    lineage: {
      source: 'training_job',
      jobId: job.id,
      ...(job.dataset === null
        ? {}
        : {
            dataset: {
              sha256: job.dataset.sha256,
              validationSha256: job.dataset.validationSha256,
              examples: job.dataset.examples.training,
            },
          }),
    },
    act: actOf(job.id),
  });
  if (!registered.ok) {
    const { error } = registered;
    if (error.code !== 'archive_refused')
      return failImport(desk, job, error.code, 'The adapter that was trained could not be found.');
    return failImport(
      desk,
      job,
      error.why.code,
      'The adapter that was trained did not pass its check.',
      error.why,
    );
  }
  const deployed = await deployAdapter(desk, refOf(registered.value.adapter), actOf(job.id));
  // Its content is another job's too, whose adapter is moving: the message comes again.
  if (!deployed.ok) throw new Error(`the adapter of ${job.id} is not deployed: ${deployed.error.code}`);
  return deployed.value.id;
}

/** Questions of the training data: an adapter answers these otherwise than its base, if it learnt anything. */
async function probesOf({ archives }: DeployDesk, job: TrainingJob): Promise<readonly Probe[]> {
  const lines = await archives.firstLines(`${jobPrefix(job)}train/`, 4 * PROBE_LIMITS.probes);
  const probes = probesFromLines(lines);
  return probes.length > 0 ? probes : DEFAULT_PROBES;
}

/** Ends the job by what became of its adapter. False when that changed meanwhile: the next look sees what it is now. */
async function finish(desk: DeployDesk, job: TrainingJob, adapter: Adapter): Promise<boolean> {
  if (adapter.status !== 'deployed') {
    await failImport(desk, job, 'adapter_not_deployed', notServed(adapter), {
      adapterId: adapter.id,
      status: adapter.status,
      details: adapter.statusDetails,
    });
    return true;
  }
  const alias = fineTunedModelName(job);
  const added = await addModel(desk, {
    tenantId: job.tenantId,
    wanted: {
      alias,
      baseModel: job.baseModel,
      adapterId: adapter.id,
      ...(adapter.endpoint === undefined
        ? {}
        : { engine: { kind: 'sagemaker' as const, endpoint: adapter.endpoint } }),
    },
    act: actOf(job.id),
    use: { tenantId: job.tenantId, adapterId: adapter.id, endpoint: adapter.endpoint ?? null },
  });
  if (!added.ok && added.error.code === 'changed_meanwhile') return false;
  // A name that is taken was given by an earlier look, and has been led elsewhere since.
  if (!added.ok && added.error.code !== 'alias_taken') {
    await failImport(desk, job, added.error.code, 'The tenant can have no further model.');
    return true;
  }
  const ref = { tenantId: job.tenantId, jobId: job.id };
  const completed = await completeJob(desk.jobs, ref, { fineTunedModel: alias });
  if (!completed.ok && completed.error.code === 'job_ended') await withdraw(desk, { job, adapter, alias });
  return true;
}

/** What the client is told; the agency reads the rest in the adapter's own details. */
const notServed = ({ statusDetails }: Adapter): string =>
  /^(?:not_distinct|base_answered):/.test(statusDetails ?? '')
    ? 'The model that was trained answers as its base model does: it has learnt too little to be told from it. Nothing was charged; train more epochs, or on more examples.'
    : 'The adapter that was trained could not be put into service, by our fault. Nothing was charged; create the job again, and tell us if it fails again.';

/** The job ended otherwise in the meantime: what was deployed for it is nobody's. */
async function withdraw(
  desk: DeployDesk,
  { job, adapter, alias }: { readonly job: TrainingJob; readonly adapter: Adapter; readonly alias: string },
): Promise<void> {
  const audit = auditRecord(desk.world, actOf(job.id), {
    action: 'model.remove',
    tenantId: job.tenantId,
    details: { alias },
  });
  await desk.directory.removeModel(job.tenantId, alias, audit);
  await undeployAdapter(desk, refOf(adapter), actOf(job.id));
}

async function failImport(
  desk: DeployDesk,
  job: TrainingJob,
  code: string,
  message: string,
  details: unknown = null,
): Promise<undefined> {
  desk.log('a training job’s adapter could not be imported', { jobId: job.id, code, details });
  await failJob(desk.jobs, { tenantId: job.tenantId, jobId: job.id }, { code, message });
}

const ID_CHARACTERS = 12;

/** The model name that a job makes, written as OpenAI writes it: `ft:tunegate-nano:acme:9k2m4n6p8q0r`. */
const fineTunedModelName = ({ id, baseModel, suffix }: TrainingJob): string =>
  `ft:${baseModel}:${suffix ?? ''}:${id.slice(-ID_CHARACTERS).toLowerCase()}`;
