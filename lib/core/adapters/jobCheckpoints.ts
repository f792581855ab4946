import { checkpointName } from '#core/shared/checkpointName.ts';
import { keptAdapters } from '#core/training/checkpoints.ts';
import { PROGRESS_FILE } from '#core/training/progress.ts';
import { checkpointPrefix } from '#core/training/trainingRequest.ts';
import type { JobCheckpoint, TrainingJob } from '#core/training/types.ts';
import { jobLineage, jobProbes } from './jobLineage.ts';
import type { DeployDesk } from './ports.ts';
import { registerAdapter } from './registerAdapter.ts';

/**
 * Registers what a job's trainer kept of its earlier epochs as adapters of the tenant, which nobody deploys until it is
 * asked for. One that does not pass its check is left out: the job's own model is as good without it. Repeated, it
 * answers the same.
 */
export async function registerCheckpoints(
  desk: DeployDesk,
  job: TrainingJob,
  fineTunedModel: string,
): Promise<readonly JobCheckpoint[]> {
  const registered: JobCheckpoint[] = [];
  const kept = keptAdapters(job, await desk.archives.list(checkpointPrefix(job)));
  if (kept.length === 0) return registered;
  const probes = await jobProbes(desk, job);
  for (const { epoch, step, key } of kept) {
    const model = checkpointName(fineTunedModel, step);
    const done = await registerAdapter(desk, {
      tenantId: job.tenantId,
      sourceKey: key,
      baseModel: job.baseModel,
      probes,
      lineage: { ...jobLineage(job), checkpoint: { epoch, step } },
      modelName: model,
      act: { actor: 'tunegate', reason: `checkpoint of the training job ${job.id}` },
    });
    if (!done.ok) {
      desk.log('a checkpoint of a training job is not kept', { jobId: job.id, step, error: done.error });
      continue;
    }
    const { adapter } = done.value;
    // Its content is in service already, as a checkpoint of another job.
    if (adapter.unnamed)
      await desk.queue.send({ kind: 'deploy', tenantId: job.tenantId, adapterId: adapter.id });
    registered.push({ epoch, step, adapterId: adapter.id, model });
  }
  return registered;
}

/** Removes all weights that a job that has ended left beside its progress: nobody goes on from them any more. */
export async function clearCheckpoints({ archives }: DeployDesk, job: TrainingJob): Promise<void> {
  const prefix = checkpointPrefix(job);
  for (const key of await archives.list(prefix)) {
    if (key !== `${prefix}${PROGRESS_FILE}`) await archives.remove(key);
  }
}
