import type { Logger } from '@aws-lambda-powertools/logger';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import type { ArchivedHour } from '#core/metering/archiveUsage.ts';
import { METRICS } from './definitions/metrics.ts';

/** Logs what a run of the archive did, and counts the hours that it could not write. */
export function reportArchive(
  { logger, metrics }: { readonly logger: Logger; readonly metrics: Metrics },
  hours: readonly ArchivedHour[],
): void {
  const counts = { archived: 0, due_again: 0, failed: 0 };
  for (const { tenantId, hour, ...result } of hours) {
    counts[result.outcome] += 1;
    if (result.outcome === 'failed')
      logger.error('usage was not archived', { tenantId, hour, cause: result.cause });
  }
  if (hours.length > 0) logger.info('usage archive', counts);
  if (counts.failed === 0) return;
  metrics.addMetric(METRICS.archiveFailures.name, 'Count', counts.failed);
  metrics.publishStoredMetrics();
}
