import { jobPrefix } from '#core/training/trainingRequest.ts';
import type { TrainingJob } from '#core/training/types.ts';
import type { DeployDesk } from './ports.ts';
import { DEFAULT_PROBES, PROBE_LIMITS, probesFromLines } from './probes.ts';
import type { Lineage, Probe } from './types.ts';

/** What we know of where a job's adapters come from. */
export const jobLineage = ({ id, dataset }: TrainingJob): Partial<Lineage> => ({
  source: 'training_job',
  jobId: id,
  ...(dataset === null
    ? {}
    : {
        dataset: {
          sha256: dataset.sha256,
          validationSha256: dataset.validationSha256,
          examples: dataset.examples.training,
        },
      }),
});

/** Questions of the training data: an adapter answers these otherwise than its base, if it learnt anything. */
export async function jobProbes({ archives }: DeployDesk, job: TrainingJob): Promise<readonly Probe[]> {
  const lines = await archives.firstLines(`${jobPrefix(job)}train/`, 4 * PROBE_LIMITS.probes);
  const probes = probesFromLines(lines);
  return probes.length > 0 ? probes : DEFAULT_PROBES;
}
