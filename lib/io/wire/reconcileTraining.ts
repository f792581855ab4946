import { reconcileJobs } from '#core/training/reconcileJobs.ts';
import { METRICS } from '#io/definitions/metrics.ts';
import type { Environment } from './environment.ts';
import { makeFollowDesk } from './followTraining.ts';

/** Puts together what looks after training jobs that are silent. */
export function wireReconcileTraining(env: Environment) {
  const { desk, observability } = makeFollowDesk(env, 'reconcile-training');
  const { logger, metrics } = observability;
  return {
    ...observability,
    reconcile: async (): Promise<void> => {
      for (const { jobId, state, outcome, cause } of await reconcileJobs(desk)) {
        if (outcome === 'looked') logger.info('a silent training job was looked after', { jobId, state });
        else {
          logger.error('a training job could not be looked after', { jobId, state, cause });
          metrics.addMetric(METRICS.unreconciledJobs.name, 'Count', 1);
        }
      }
    },
  };
}
