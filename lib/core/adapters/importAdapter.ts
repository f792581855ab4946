import type { AdapterId, TenantId, TrainingJobId } from '#core/shared/ids.ts';
import { auditRecord } from '#core/tenants/tenancy.ts';
import { completeJob, failJob } from '#core/training/completeJob.ts';
import { finishEnding } from '#core/training/endJob.ts';
import { isEnded } from '#core/training/transitions.ts';
import type { TrainingJob } from '#core/training/types.ts';
import { deployAdapter, undeployAdapter } from './directAdapter.ts';
import { clearCheckpoints, registerCheckpoints } from './jobCheckpoints.ts';
import { jobLineage, jobProbes } from './jobLineage.ts';
import { lookAfter } from './lookAfter.ts';
import { addAdapterModel } from './nameModels.ts';
import type { DeployDesk } from './ports.ts';
import { registerAdapter } from './registerAdapter.ts';
import type { Adapter } from './types.ts';

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
  if (job?.state === 'ending' || (job !== undefined && isEnded(job)))
    await goOn(desk, job, message.adapterId);
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
    probes: await jobProbes(desk, job),
    lineage: jobLineage(job),
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
  const refused = await addAdapterModel(desk, adapter, { alias, act: actOf(job.id) });
  if (refused?.code === 'changed_meanwhile') return false;
  // A name that is taken was given by an earlier look, and has been led elsewhere since.
  if (refused !== undefined && refused.code !== 'alias_taken') {
    await failImport(desk, job, refused.code, 'The tenant can have no further model.');
    return true;
  }
  const completed = await complete(desk, job, alias);
  if (!completed.ok && completed.error.code === 'job_ended') await withdraw(desk, job, adapter);
  await clearCheckpoints(desk, job);
  return true;
}

const complete = (desk: DeployDesk, { tenantId, id: jobId }: TrainingJob, fineTunedModel: string) =>
  completeJob(
    desk.jobs,
    { tenantId, jobId },
    { fineTunedModel, checkpoints: (job) => registerCheckpoints(desk, job, fineTunedModel) },
  );

/** Of a job that was decided already, perhaps by a look that was cut off: does what is left. */
async function goOn(desk: DeployDesk, job: TrainingJob, adapterId: AdapterId | undefined): Promise<void> {
  const model = job.verdict?.fineTunedModel ?? null;
  if (model !== null) await complete(desk, job, model);
  else await finishEnding(desk.jobs, { tenantId: job.tenantId, jobId: job.id });
  if (model === null && adapterId !== undefined) {
    const adapter = await desk.adapters.read(job.tenantId, adapterId);
    const isServed = adapter?.status === 'deploying' || adapter?.status === 'deployed';
    if (isServed) await withdraw(desk, job, adapter);
  }
  await clearCheckpoints(desk, job);
}

/** What the client is told; the agency reads the rest in the adapter's own details. */
const notServed = ({ statusDetails }: Adapter): string =>
  /^(?:not_distinct|base_answered):/.test(statusDetails ?? '')
    ? 'The model that was trained answers as its base model does: it has learnt too little to be told from it. Nothing was charged; train more epochs, or on more examples.'
    : 'The adapter that was trained could not be put into service, by our fault. Nothing was charged; create the job again, and tell us if it fails again.';

/** The job ended otherwise in the meantime: what was deployed for it is nobody's. */
async function withdraw(desk: DeployDesk, job: TrainingJob, adapter: Adapter): Promise<void> {
  const alias = fineTunedModelName(job);
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
  await clearCheckpoints(desk, job);
}

const ID_CHARACTERS = 12;

/** The model name that a job makes, written as OpenAI writes it: `ft:tunegate-nano:acme:9k2m4n6p8q0r`. */
const fineTunedModelName = ({ id, baseModel, suffix }: TrainingJob): string =>
  `ft:${baseModel}:${suffix ?? ''}:${id.slice(-ID_CHARACTERS).toLowerCase()}`;
